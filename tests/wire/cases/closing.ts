import { closeBody, closeFrame, frame, opcodes } from "../support/frames.ts";
import type { Violation } from "./violation.ts";

/** Codes that a Close frame may carry (RFC 6455, 7.4, and what IANA registered since). */
export const validCodes: readonly number[] = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000, 4400, 4401,
  4999,
];

/** Codes that it must not carry. */
const invalidCodes: readonly number[] = [
  0, 1, 125, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 5001, 9999, 32_768, 65_535,
];

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

/** Reasons that are no UTF-8. */
const badReasons: readonly (readonly [string, Uint8Array])[] = [
  ["is no UTF-8", bytes(0xff, 0xfe)],
  ["ends within a character", bytes(0x61, 0xe2, 0x82)],
  ["holds a surrogate", bytes(0xed, 0xa0, 0x80)],
  ["holds an overlong slash", bytes(0xc0, 0xaf)],
  ["holds a character above U+10FFFF", bytes(0xf4, 0x90, 0x80, 0x80)],
];

/** Close frames that no side may send. */
export const closeViolations: readonly Violation[] = [
  ...invalidCodes.flatMap((code): readonly Violation[] => [
    { name: `a close with ${code}`, rfc: "7.4", send: [closeFrame(code)], code: 1002 },
    { name: `a close with ${code} and a reason`, rfc: "7.4", send: [closeFrame(code, "bye")], code: 1002 },
  ]),
  { name: "a close of one byte", rfc: "5.5.1", send: [frame(opcodes.close, "x")], code: 1002 },
  {
    name: "a close whose reason has 124 bytes",
    rfc: "5.5",
    send: [frame(opcodes.close, closeBody(1000, "x".repeat(124)))],
    code: 1002,
  },
  ...badReasons.map(([what, reason]): Violation => ({
    name: `a close whose reason ${what}`,
    rfc: "5.5.1",
    send: [closeFrame(1000, reason)],
    code: 1007,
  })),
];
