import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { maxQuestionLength, readInbound } from "./inbound.ts";

const message = (payload: unknown, more: object = {}): string =>
  JSON.stringify({ user_id: "alice", connection_id: "c", type: "ask", payload, received_at: 1, ...more });

test("a question is read with its user and its run", () => {
  expect(readInbound(message({ question: " Why? ", run: "r" }))).toEqual({
    kind: "ask",
    userId: "alice",
    run: "r",
    question: "Why?",
  });
});

test("a message without a usable user is nobody's, so its answer goes to nobody", () => {
  for (const user_id of [undefined, null, "", "*", 7, ["alice"]]) {
    expect(readInbound(message({ question: "Why?", run: "r" }, { user_id })).kind).toBe("not-for-us");
  }
});

test("a bad question is answered, not dropped", () => {
  const payloads = [null, 7, [], {}, { run: "r" }, { run: "r", question: " " }, { run: 7, question: "Why?" }];
  for (const payload of payloads) expect(readInbound(message(payload)).kind).toBe("bad-ask");
  const long = readInbound(message({ run: "r", question: "x".repeat(maxQuestionLength + 1) }));
  expect(long).toMatchObject({ kind: "bad-ask", run: "r" });
});

test("whatever is published, reading it never throws", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(readInbound(text).kind).toBe("not-for-us");
    }),
  );
});
