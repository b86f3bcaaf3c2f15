import { closeFrame, frame, opcodes } from "../support/frames.ts";
import type { Violation } from "./violation.ts";

const { text, binary, ping, pong, continuation } = opcodes;
const open = { fin: false };
const unexpected = "a continuation with nothing to continue";

/** Fragments in an order that no message has. */
export const fragmentViolations: readonly Violation[] = [
  { name: unexpected, send: [frame(continuation, "x")] },
  { name: `${unexpected}, empty`, send: [frame(continuation)] },
  { name: `${unexpected}, not the last`, send: [frame(continuation, "x", open)] },
  { name: `${unexpected}, then a text`, send: [frame(continuation, "x", open), frame(text, "y")] },
  { name: `${unexpected} after a whole text`, send: [frame(text, '{"type":"a"}'), frame(continuation, "y")] },
  {
    name: `${unexpected} after a text in fragments`,
    send: [frame(text, '{"type"', open), frame(continuation, ':"a"}'), frame(continuation, "z")],
  },
  { name: `${unexpected} after a ping`, send: [frame(ping, "x"), frame(continuation, "y")] },
  { name: "a text inside a text", send: [frame(text, "x", open), frame(text, "y")] },
  { name: "a binary message inside a text", send: [frame(text, "x", open), frame(binary, "y")] },
  { name: "a text inside a binary message", send: [frame(binary, "x", open), frame(text, "y")] },
  { name: "a first fragment inside a text", send: [frame(text, "x", open), frame(text, "y", open)] },
  { name: "a text after an empty first fragment", send: [frame(text, "", open), frame(text, "y")] },
  {
    name: "a text between fragments, with a ping before it",
    send: [frame(text, "x", open), frame(ping, "p"), frame(text, "y")],
  },
  {
    name: "a text after two fragments and a pong",
    send: [frame(text, "x", open), frame(continuation, "y", open), frame(pong), frame(text, "z")],
  },
  {
    name: "a reserved opcode between fragments",
    send: [frame(text, "x", open), frame(3, "y"), frame(continuation, "z")],
  },
  {
    name: "a reserved control opcode between fragments",
    send: [frame(text, "x", open), frame(11), frame(continuation, "z")],
  },
  {
    name: "a fragment without a mask after one with",
    send: [frame(text, "x", open), frame(continuation, "y", { mask: null })],
  },
  {
    name: "a ping of 126 bytes between fragments",
    send: [frame(text, "x", open), frame(ping, "p".repeat(126)), frame(continuation, "y")],
  },
  {
    name: "a fragmented ping between fragments",
    send: [frame(text, "x", open), frame(ping, "p", open), frame(continuation, "y")],
  },
  {
    name: "an invalid close between fragments",
    send: [frame(text, "x", open), closeFrame(1005), frame(continuation, "y")],
  },
].map((row) => ({ rfc: "5.4", code: 1002, ...row }));
