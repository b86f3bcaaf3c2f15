import { expect, test } from "bun:test";
import fc from "fast-check";
import { idHash, idHashOfBytes } from "./id-hash.ts";

test("the bytes of a JSON string say what its text says, or that they cannot tell", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" })), (text) => {
      const bytes = new TextEncoder().encode(JSON.stringify(text));
      const hash = idHashOfBytes(bytes, 1, bytes.length - 1);
      if (hash !== -1) expect(hash).toBe(idHash(text));
    }),
  );
});

test("an id of printable ASCII has a hash, and any other has none", () => {
  expect([idHash("7f9c-4e1b"), idHash("a"), idHash("*")].every((hash) => hash >= 0)).toBe(true);
  expect(["é", "a\u007f", "a\\b", "a\nb"].map(idHash)).toEqual([-1, -1, -1, -1]);
});
