import { expect, test } from "bun:test";
import fc from "fast-check";
import { ownBytes } from "./channel-name.ts";
import { compileGlob } from "./glob.ts";

const MEANING: ReadonlyMap<string, string> = new Map([
  ["*", ".*"],
  ["?", "."],
]);

function fits(pattern: string, name: string): boolean {
  return compileGlob(ownBytes(pattern))(ownBytes(name));
}

test("a pattern without special bytes fits itself alone", () => {
  expect(fits("updates", "updates")).toBe(true);
  expect(fits("updates", "update")).toBe(false);
  expect(fits("updates", "updates2")).toBe(false);
  expect(fits("", "")).toBe(true);
  expect(fits("", "x")).toBe(false);
});

test("a star fits any bytes, a question mark one byte", () => {
  expect(fits("*", "")).toBe(false);
  expect(fits("a*", "a")).toBe(true);
  expect(fits("*", "anything")).toBe(true);
  expect(fits("user.*.done", "user.7.done")).toBe(true);
  expect(fits("user.*.done", "user.7.failed")).toBe(false);
  expect(fits("a*b*c", "a-b-b-c")).toBe(true);
  expect(fits("h?llo", "hello")).toBe(true);
  expect(fits("h?llo", "hllo")).toBe(false);
  expect(fits("?", "é")).toBe(false);
  expect(fits("??", "é")).toBe(true);
});

test("a set fits one of its bytes, a negated one any other, a range may be backwards", () => {
  expect(fits("h[ae]llo", "hallo")).toBe(true);
  expect(fits("h[ae]llo", "hillo")).toBe(false);
  expect(fits("h[^e]llo", "hallo")).toBe(true);
  expect(fits("h[^e]llo", "hello")).toBe(false);
  expect(fits("[a-c]", "b")).toBe(true);
  expect(fits("[c-a]", "b")).toBe(true);
  expect(fits("[a-c]", "d")).toBe(false);
  expect(fits("[]", "")).toBe(false);
  expect(fits("[^]", "x")).toBe(true);
  expect(fits("[ab", "b")).toBe(true);
  expect(fits("[\\]]", "]")).toBe(true);
});

test("a backslash takes the next byte as it is", () => {
  expect(fits("a\\*", "a*")).toBe(true);
  expect(fits("a\\*", "ab")).toBe(false);
  expect(fits("a\\", "a\\")).toBe(true);
});

test("a pattern of many stars against a name that almost fits needs no more than length times length steps", () => {
  const pattern = `${"*a".repeat(1_000)}*b`;
  expect(fits(pattern, "a".repeat(5_000))).toBe(false);
});

test("any name with its special bytes escaped fits itself and nothing longer", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.uint8Array({ minLength: 1, maxLength: 3 }),
      (name, more) => {
        const escaped = compileGlob(Uint8Array.from(Array.from(name).flatMap((byte) => [0x5c, byte])));
        expect(escaped(name)).toBe(true);
        expect(escaped(new Uint8Array([...name, ...more]))).toBe(false);
      },
    ),
  );
});

test("stars and question marks fit what the regular expression of the same meaning fits", () => {
  const letters = fc.array(fc.constantFrom("a", "b", "*", "?"), { maxLength: 12 });
  const names = fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(letters, names, (pattern, name) => {
      const source = pattern.map((letter) => MEANING.get(letter) ?? letter).join("");
      expect(fits(pattern.join(""), name.join(""))).toBe(new RegExp(`^${source}$`).test(name.join("")));
    }),
    { numRuns: 1_000 },
  );
});
