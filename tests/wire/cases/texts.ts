import { frame, opcodes } from "../support/frames.ts";
import type { Violation } from "./violation.ts";

/** Characters of one to four bytes, at both ends of each range. */
export const validText = "a\u007f\u0080\u07ff\u0800\ud7ff\ue000\ufffd\uffff\u{10000}\u{10ffff}κόσμε 𝄞 €";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** Byte sequences that are no UTF-8 (RFC 3629), as the tables of Markus Kuhn and Autobahn have them. */
const invalid: readonly (readonly [string, Uint8Array])[] = [
  ["a continuation byte alone, 80", hex("80")],
  ["a continuation byte alone, bf", hex("bf")],
  ["seven continuation bytes", hex("80 bf 80 bf 80 bf 80")],
  ["a lead byte of two without its second", hex("c3 28")],
  ["a lead byte of two at the end", hex("61 c3")],
  ["a lead byte of three without its third", hex("e2 82 28")],
  ["a lead byte of three at the end", hex("e2 82")],
  ["a lead byte of four without its fourth", hex("f0 9d 84 28")],
  ["a lead byte of four at the end", hex("f0 9d 84")],
  ["the byte fe", hex("fe")],
  ["the byte ff", hex("ff")],
  ["fe fe ff ff", hex("fe fe ff ff")],
  ["an overlong slash in two bytes", hex("c0 af")],
  ["an overlong slash in three bytes", hex("e0 80 af")],
  ["an overlong slash in four bytes", hex("f0 80 80 af")],
  ["an overlong NUL", hex("c0 80")],
  ["the highest overlong of two bytes", hex("c1 bf")],
  ["the highest overlong of three bytes", hex("e0 9f bf")],
  ["the highest overlong of four bytes", hex("f0 8f bf bf")],
  ["a sequence of five bytes", hex("f8 88 80 80 80")],
  ["a sequence of six bytes", hex("fc 84 80 80 80 80")],
  ["the surrogate D800", hex("ed a0 80")],
  ["the surrogate DFFF", hex("ed bf bf")],
  ["a pair of surrogates", hex("ed a0 80 ed b0 80")],
  ["U+110000", hex("f4 90 80 80")],
  ["the lead byte f5", hex("f5 80 80 80")],
  ["Greek with a surrogate in its midst", hex("ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64 69 74 65 64")],
];

const { text, continuation } = opcodes;

/** The same bytes in two fragments, cut at `at`. */
export function cutAt(bytes: Uint8Array, at: number): readonly Uint8Array[] {
  return [frame(text, bytes.subarray(0, at), { fin: false }), frame(continuation, bytes.subarray(at))];
}

/** Texts that are no UTF-8: whole, and cut at every place. */
export const textViolations: readonly Violation[] = invalid.flatMap(([what, bytes]) => [
  { name: `a text that is ${what}`, rfc: "8.1", send: [frame(text, bytes)], code: 1007 },
  {
    name: `a JSON text that holds ${what}`,
    rfc: "8.1",
    send: [frame(text, Buffer.concat([Buffer.from('{"type":"'), bytes, Buffer.from('"}')]))],
    code: 1007,
  },
  ...Array.from({ length: bytes.length + 1 }, (_, at): Violation => ({
    name: `a text in fragments cut at byte ${at} that is ${what}`,
    rfc: "8.1",
    send: cutAt(bytes, at),
    code: 1007,
  })),
]);
