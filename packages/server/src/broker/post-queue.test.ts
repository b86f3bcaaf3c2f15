import { ErrorReply } from "@redis/client";
import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { BrokerUnavailable } from "./broker.ts";
import { PostQueue } from "./post-queue.ts";

const TIMEOUT_MS = 100;
const MAX_BYTES = 10;

function make() {
  const clock = new ManualClock();
  return { clock, queue: new PostQueue({ timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, clock }) };
}

/** What a promise came to. */
function outcome(promise: Promise<void>): Promise<unknown> {
  return promise.then(
    () => "done",
    (error: unknown) => error,
  );
}

test("commands are those of Redis, joined in order, and are taken once", () => {
  const { queue } = make();
  void queue.add("inbound", "é");
  void queue.add("süd", "x");
  const first = "*3\r\n$7\r\nPUBLISH\r\n$7\r\ninbound\r\n$2\r\né\r\n";
  const second = "*3\r\n$7\r\nPUBLISH\r\n$4\r\nsüd\r\n$1\r\nx\r\n";
  expect(queue.take()).toBe(first + second);
  expect(queue.take()).toBe("");
});

test("answers go to those who wait, in order, and an error to one alone", async () => {
  const { queue } = make();
  const posts = ["a", "b", "c"].map((message) => outcome(queue.add("inbound", message)));
  const refusal = new ErrorReply("NOPERM no");
  expect([queue.answer("1"), queue.answer(refusal), queue.answer("0"), queue.answer("1")]).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(await Promise.all(posts)).toEqual(["done", refusal, "done"]);
});

test("one timer watches over all: each is refused in its own time, and keeps its place", async () => {
  const { queue, clock } = make();
  const first = outcome(queue.add("inbound", "a"));
  clock.advance(60);
  const second = outcome(queue.add("inbound", "b"));
  expect(clock.timers).toBe(1);
  clock.advance(40);
  expect(await first).toBeInstanceOf(BrokerUnavailable);
  queue.answer("1");
  queue.answer("1");
  expect(await second).toBe("done");
  clock.advance(TIMEOUT_MS);
  expect(clock.timers).toBe(0);
  const third = outcome(queue.add("inbound", "c"));
  clock.advance(TIMEOUT_MS);
  expect(await third).toBeInstanceOf(BrokerUnavailable);
});

test("what has no answer is bounded in bytes, also once it was given up; one message alone may be larger", async () => {
  const { queue, clock } = make();
  const posts = ["x".repeat(4), "é".repeat(3)].map((message) => outcome(queue.add("inbound", message)));
  const refusal = new BrokerUnavailable("too many messages wait for Redis to answer", true);
  expect(await outcome(queue.add("inbound", "y"))).toEqual(refusal);
  clock.advance(TIMEOUT_MS);
  for (const post of await Promise.all(posts)) expect(post).toBeInstanceOf(BrokerUnavailable);
  expect(await outcome(queue.add("inbound", "y"))).toEqual(refusal);
  for (let count = 0; count < posts.length; count += 1) queue.answer("1");
  const large = outcome(queue.add("inbound", "x".repeat(MAX_BYTES + 1)));
  queue.answer("1");
  expect(await large).toBe("done");
});

test("those that wait too long are refused in order, and no timer is left after the last", async () => {
  const { queue, clock } = make();
  const refused: number[] = [];
  for (let index = 0; index < MAX_BYTES; index += 1) {
    void queue.add("inbound", "x").catch(() => refused.push(index));
    clock.advance(1);
  }
  for (let step = 0; step < TIMEOUT_MS; step += 1) {
    clock.advance(1);
    await Promise.resolve();
  }
  expect(refused).toEqual(Array.from({ length: MAX_BYTES }, (_, index) => index));
  expect(clock.timers).toBe(0);
});

test("a queue that is never empty keeps no more than what waits", () => {
  const { queue } = make();
  const promises = (): number => {
    Bun.gc(true);
    return heapStats().objectTypeCounts["Promise"] ?? 0;
  };
  void queue.add("inbound", "a");
  const before = promises();
  for (let count = 0; count < 20_000; count += 1) {
    void queue.add("inbound", "a");
    queue.take();
    queue.answer("1");
  }
  expect(promises() - before).toBeLessThan(5_000);
  expect([queue.answer("1"), queue.answer("1")]).toEqual([true, false]);
});

test("a lost connection refuses all that wait, and leaves no timer", async () => {
  const { queue, clock } = make();
  const posts = ["a", "b"].map((message) => outcome(queue.add("inbound", message)));
  queue.answer("1");
  const lost = new Error("gone");
  queue.fail(lost);
  expect(await Promise.all(posts)).toEqual(["done", lost]);
  expect([queue.take(), queue.answer("1"), clock.timers]).toEqual(["", false, 0]);
});
