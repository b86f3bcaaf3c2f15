import { closeBody, frame, opcodes } from "../support/frames.ts";
import type { Violation } from "./violation.ts";

const { text, binary, close, ping, pong, continuation } = opcodes;
const hello = '{"type":"a"}';

const reservedBits: readonly Violation[] = [1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => {
  const bits = `reserved bits ${rsv.toString(2).padStart(3, "0")}`;
  const row = (what: string, send: readonly Uint8Array[]): Violation => ({
    name: `${what} with ${bits}`,
    rfc: "5.2",
    send,
    code: 1002,
  });
  return [
    row("a text", [frame(text, hello, { rsv })]),
    row("a binary message", [frame(binary, hello, { rsv })]),
    row("an empty text", [frame(text, "", { rsv })]),
    row("a ping", [frame(ping, "x", { rsv })]),
    row("a close", [frame(close, closeBody(1000), { rsv })]),
    row("a second fragment", [frame(text, "x", { fin: false }), frame(continuation, "y", { rsv })]),
  ];
});

const reservedOpcodes: readonly Violation[] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
  { name: `opcode ${opcode} without payload`, rfc: "5.2", send: [frame(opcode)], code: 1002 },
  { name: `opcode ${opcode} with a payload`, rfc: "5.2", send: [frame(opcode, hello)], code: 1002 },
  {
    name: `opcode ${opcode} followed by a ping`,
    rfc: "5.2",
    send: [frame(opcode, "x"), frame(ping, "never answered")],
    code: 1002,
  },
]);

const unmasked: readonly Violation[] = (
  [
    ["a text", text, hello],
    ["an empty text", text, ""],
    ["a binary message", binary, "x"],
    ["a ping", ping, "x"],
    ["a pong", pong, "x"],
    ["a close", close, closeBody(1000)],
    ["a long text", text, "x".repeat(70_000)],
  ] as const
).map(([what, opcode, payload]) => ({
  name: `${what} without a mask`,
  rfc: "5.1",
  send: [frame(opcode, payload, { mask: null })],
  code: 1002,
}));

const control: readonly Violation[] = ([ping, pong, close] as const).flatMap(
  (opcode): readonly Violation[] => {
    const what = opcode === ping ? "ping" : opcode === pong ? "pong" : "close";
    const body = (bytes: number): Uint8Array =>
      opcode === close ? closeBody(1000, "x".repeat(bytes - 2)) : Buffer.alloc(bytes, "x");
    return [
      { name: `a ${what} of 126 bytes`, rfc: "5.5", send: [frame(opcode, body(126))], code: 1002 },
      { name: `a ${what} of 65536 bytes`, rfc: "5.5", send: [frame(opcode, body(65_536))], code: 1002 },
      {
        name: `a ${what} of 125 bytes whose length takes 16 bits`,
        rfc: "5.2",
        send: [frame(opcode, body(125), { lengthBits: 16 })],
        code: 1002,
      },
      {
        name: `a ${what} that says it has 2^63 - 1 bytes`,
        rfc: "5.5",
        send: [frame(opcode, body(10), { says: (1n << 63n) - 1n })],
        code: 1002,
      },
      {
        name: `a ${what} that is a first fragment`,
        rfc: "5.5",
        send: [frame(opcode, body(2), { fin: false })],
        code: 1002,
      },
      {
        name: `a ${what} in two fragments`,
        rfc: "5.4",
        send: [frame(opcode, body(2), { fin: false }), frame(continuation, "x")],
        code: 1002,
      },
    ];
  },
);

const tooBig: readonly Violation[] = (
  [
    ["2^17 + 1 bytes", 131_073n],
    ["2^31 bytes", 1n << 31n],
    ["2^32 bytes", 1n << 32n],
    ["2^63 - 1 bytes", (1n << 63n) - 1n],
    ["2^63 bytes, the reserved highest bit", 1n << 63n],
    ["2^64 - 1 bytes", (1n << 64n) - 1n],
    ["2^64 - 8 bytes", (1n << 64n) - 8n],
  ] as const
).flatMap(([what, says]) => [
  { name: `a text that says it has ${what}`, rfc: "10.4", send: [frame(text, "x", { says })], code: 1009 },
  {
    name: `a second fragment that says it has ${what}`,
    rfc: "10.4",
    send: [frame(text, "x", { fin: false }), frame(continuation, "y", { says })],
    code: 1009,
  },
]);

/** Frames of which the head alone is wrong. */
export const framingViolations: readonly Violation[] = [
  ...reservedBits,
  ...reservedOpcodes,
  ...unmasked,
  ...control,
  ...tooBig,
];
