import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { formatJson, memberText } from "./raw-json.ts";

test("numbers, key order and escapes are shown as they arrived", () => {
  expect(formatJson('{"b":1e400,"a":[12345678901234567890,"\\u00e9 {,}"],"c":{},"d":[]}')).toBe(
    `{\n  "b": 1e400,\n  "a": [\n    12345678901234567890,\n    "\\u00e9 {,}"\n  ],\n  "c": {},\n  "d": []\n}`,
  );
});

test("formatting changes white space and nothing else", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(3), (value, space) => {
      const formatted = formatJson(JSON.stringify(value, null, space));
      expect(JSON.stringify(JSON.parse(formatted))).toBe(JSON.stringify(value));
    }),
  );
});

test("text that is not JSON is formatted without a fault", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      formatJson(text);
      memberText(text, "payload");
    }),
  );
});

test("a member is found by its name at the top, and not in a string, a value or deeper", () => {
  const text = '{"type":"payload","a":{"payload":1},"b":"\\"payload\\":2", "payload" : [1, {"payload":3}] }';
  expect(memberText(text, "payload")).toBe('[1, {"payload":3}]');
  expect(memberText('{"a":1}', "payload")).toBeNull();
  expect(memberText("[1]", "payload")).toBeNull();
});
