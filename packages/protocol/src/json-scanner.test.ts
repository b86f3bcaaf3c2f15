import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { JsonScanner } from "./json-scanner.ts";

const scanner = new JsonScanner();
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decodeStrictly = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What the platform says: valid where the bytes are UTF-8 and `JSON.parse` takes the text. */
function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(decodeStrictly.decode(bytes));
    return true;
  } catch {
    return false;
  }
}

/** JSON-like scraps that, joined by chance, come close to JSON more often than noise does. */
const scraps = fc.constantFrom(
  ...'{}[],:"\\ \n\t0123456789-+.eEtfnu/'.split(""),
  "true",
  "false",
  "null",
  '"a"',
  '"\\u0041"',
  '"\\ud800"',
  '"é"',
  '"😀"',
  "\u0000",
  "\u001f",
  "\u007f",
  "\ufeff",
  "1e400",
  "-0",
  "01",
  "1.",
  ".5",
  '{"a":1}',
  "[1,2]",
  '"a":',
);

describe("the scanner", () => {
  test("takes every text that JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
        expect(scanner.scan(encode(JSON.stringify(value, null, indent)))).toBe(true);
      }),
    );
  });

  test("agrees with JSON.parse on texts that are nearly JSON", () => {
    fc.assert(
      fc.property(fc.array(scraps, { maxLength: 24 }), (parts) => {
        const bytes = encode(parts.join(""));
        expect(scanner.scan(bytes)).toBe(isJson(bytes));
      }),
      { numRuns: 20_000 },
    );
  });

  test("agrees with JSON.parse on valid texts in which one byte was changed", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), fc.integer({ min: 0, max: 255 }), (value, place, byte) => {
        const bytes = encode(JSON.stringify(value));
        bytes[place % bytes.length] = byte;
        expect(scanner.scan(bytes)).toBe(isJson(bytes));
      }),
      { numRuns: 10_000 },
    );
  });

  test("agrees with the platform on every kind of UTF-8, well-formed or not", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 6 }), (inner) => {
        const bytes = new Uint8Array([0x22, ...inner, 0x22]);
        expect(scanner.scan(bytes)).toBe(isJson(bytes));
      }),
      { numRuns: 20_000 },
    );
    for (const inner of [
      [0xc0, 0x80],
      [0xe0, 0x80, 0x80],
      [0xe0, 0x9f, 0xbf],
      [0xe0, 0xa0, 0x80],
      [0xed, 0x9f, 0xbf],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x8f, 0xbf, 0xbf],
      [0xf0, 0x90, 0x80, 0x80],
      [0xf4, 0x8f, 0xbf, 0xbf],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [0xc2],
      [0xe2, 0x82],
    ]) {
      const bytes = new Uint8Array([0x22, ...inner, 0x22]);
      expect(scanner.scan(bytes)).toBe(isJson(bytes));
    }
  });

  test("takes a million open brackets that close, and refuses them where one does not", () => {
    const depth = 1_000_000;
    expect(scanner.scan(encode("[".repeat(depth) + "]".repeat(depth)))).toBe(true);
    expect(scanner.scan(encode("[".repeat(depth) + "]".repeat(depth - 1)))).toBe(false);
    expect(scanner.scan(encode('{"a":'.repeat(1_000) + "1" + "}".repeat(1_000)))).toBe(true);
  });

  test("says where the members of the outermost object stand", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.jsonValue()), { maxLength: 8 }), (members) => {
        const text = `{ ${members.map(([key, value]) => `${JSON.stringify(key)} :\n${JSON.stringify(value)} `).join(", ")}}`;
        const bytes = encode(text);
        expect(scanner.scan(bytes)).toBe(true);
        expect(scanner.kind).toBe("object");
        const found = Array.from({ length: scanner.count }, (_, index) => [
          decodeStrictly.decode(bytes.subarray(scanner.keyStart(index), scanner.keyEnd(index))),
          decodeStrictly.decode(bytes.subarray(scanner.valueStart(index), scanner.valueEnd(index))),
        ]);
        expect(found).toEqual(members.map(([key, value]) => [JSON.stringify(key), JSON.stringify(value)]));
      }),
    );
  });

  test("says where the elements of the outermost array stand", () => {
    const bytes = encode(' [ 1 , {"a":[2]},"x" ] ');
    expect(scanner.scan(bytes)).toBe(true);
    expect(scanner.kind).toBe("array");
    const found = Array.from({ length: scanner.count }, (_, index) =>
      decodeStrictly.decode(bytes.subarray(scanner.valueStart(index), scanner.valueEnd(index))),
    );
    expect(found).toEqual(["1", '{"a":[2]}', '"x"']);
  });
});
