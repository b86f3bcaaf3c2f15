import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ClientMessageReader } from "./client-message.ts";

const reader = new ClientMessageReader();
const read = (text: string): unknown => reader.read(new TextEncoder().encode(text));

describe("a client's message", () => {
  test("is read with its payload as written", () => {
    expect(read('{"id":"7","payload": {"n":1e400, "b" : 12345678901234567890},"type":"ask"}')).toEqual({
      type: "ask",
      id: "7",
      payload: '{"n":1e400, "b" : 12345678901234567890}',
    });
    expect(read('{"type":"tidings.ping"}')).toEqual({ type: "tidings.ping", id: undefined, payload: "null" });
  });

  test("never throws, whatever the bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => reader.read(bytes) !== undefined));
  });

  for (const [text, fault] of [
    ["hello", "the message is not JSON"],
    ["[]", "the message is not a JSON object"],
    ["null", "the message is not a JSON object"],
    ["{}", 'the field "type" is missing'],
    ['{"type":7}', '"type" must be a string of 1 to 128 bytes'],
    ['{"type":""}', '"type" must be a string of 1 to 128 bytes'],
    ['{"type":"a","type":"b"}', '"type" stands more than once'],
    ['{"type":"a","id":7}', '"id" must be a string of 1 to 128 bytes'],
    [`{"type":"a","id":"${"x".repeat(129)}"}`, '"id" must be a string of 1 to 128 bytes'],
    ['{"type":"a","payload":1,"payload":2}', '"payload" stands more than once'],
  ] as const) {
    test(`is refused: ${text.slice(0, 40)}`, () => {
      expect(read(text)).toEqual({ fault });
    });
  }
});
