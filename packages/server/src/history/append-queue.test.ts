import { describe, expect, test } from "bun:test";
import { BrokerRefused, BrokerUnavailable } from "../broker/broker.ts";
import { type LogDraft, LeaseLost, type LogPosition } from "../broker/update-log.ts";
import { AppendQueue, PATIENCE_MS } from "./append-queue.ts";
import { newIngestCounters } from "./ingest-counters.ts";
import { settle } from "./ingest-test-support.ts";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";

const lease = { isHeld: true, deadline: 1 };

/** A queue before a log whose answers the test gives. */
function queueBefore(): Bench {
  return new Bench();
}

class Bench {
  readonly counters = newIngestCounters();
  readonly clock: ManualClock = new ManualClock();
  readonly losses: string[] = [];
  /** The frames of each append, as they were asked for. */
  readonly appends: string[][] = [];
  shuts = 0;
  hasLease = true;
  #answer = Promise.withResolvers<readonly LogPosition[]>();
  readonly queue = new AppendQueue({
    log: {
      append: (drafts) => {
        this.appends.push(drafts.map(({ frame }) => String(frame)));
        this.#answer = Promise.withResolvers();
        return this.#answer.promise;
      },
    },
    lease: () => (this.hasLease ? lease : null),
    counters: this.counters,
    clock: this.clock,
    onLoss: (kind, updates) => this.losses.push(`${kind} ${updates}`),
    onShut: () => (this.shuts += 1),
  });

  push(...frames: readonly string[]): void {
    for (const frame of frames) this.queue.push(draft(frame), frame.length);
  }

  async answer(error?: Error): Promise<void> {
    if (error === undefined) this.#answer.resolve([]);
    else this.#answer.reject(error);
    await settle();
  }
}

function draft(frame: string): LogDraft {
  return { target: "alice", frame, id: null, seq: null, producer: null };
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

describe("a queue of appends", () => {
  test("sends what one turn of the event loop brought together, and one append after the other", async () => {
    const it = queueBefore();
    it.queue.open();
    it.push("1", "2", "3");
    await settle();
    it.push("4");
    it.push("5");
    await settle();
    expect(it.appends).toEqual([["1", "2", "3"]]);
    await it.answer();
    expect(it.appends).toEqual([
      ["1", "2", "3"],
      ["4", "5"],
    ]);
    await it.answer();
    expect([it.counters.appended, it.queue.isSettled]).toEqual([5, true]);
  });

  test("sends at most 128 updates or 256 KiB at once, and one larger update alone", async () => {
    const it = queueBefore();
    it.queue.open();
    it.push(...numbered(130));
    await settle();
    await it.answer();
    expect(it.appends.map(({ length }) => length)).toEqual([128, 2]);
    await it.answer();
    const large = "x".repeat(200_000);
    it.push(large, large, "x".repeat(1_000_000), "y");
    await settle();
    for (let count = 0; count < 4; count += 1) await it.answer();
    expect(it.appends.slice(2).map((frames) => frames.map(({ length }) => length))).toEqual([
      [200_000],
      [200_000],
      [1_000_000],
      [1],
    ]);
  });

  test("keeps what comes while it is shut, up to 16 MiB, and refuses the newest beyond", async () => {
    const it = queueBefore();
    const frame = "x".repeat(1_048_576);
    it.push(...Array.from({ length: 20 }, () => frame));
    await settle();
    expect(it.appends).toEqual([]);
    expect([it.counters.refused, it.losses.length]).toEqual([5, 5]);
    it.queue.open();
    await settle();
    for (let count = 0; count < 15; count += 1) await it.answer();
    expect([it.counters.appended, it.queue.isSettled]).toEqual([15, true]);
  });

  test("counts small updates at what they cost in memory", () => {
    const it = queueBefore();
    it.push(...numbered(100_000));
    expect(it.counters.refused).toBeGreaterThan(30_000);
  });

  test("sends no more after an append that was not answered until it is opened, and that one not again", async () => {
    const it = queueBefore();
    it.queue.open();
    it.push("1", "2");
    await settle();
    it.push("3");
    await it.answer(new BrokerUnavailable("no answer"));
    expect([it.losses, it.shuts, it.appends.length]).toEqual([["unconfirmed 2"], 1, 1]);
    it.queue.open();
    await settle();
    expect(it.appends.at(-1)).toEqual(["3"]);
  });

  test("sends again, first and in order, what the log refused because the lease was lost", async () => {
    const it = queueBefore();
    it.queue.open();
    it.push("1", "2");
    await settle();
    it.push("3");
    await it.answer(new LeaseLost("over"));
    expect([it.losses, it.shuts, it.appends.length]).toEqual([[], 1, 1]);
    it.queue.open();
    await settle();
    expect(it.appends.at(-1)).toEqual(["1", "2", "3"]);
  });

  for (const [what, error] of [
    ["refused before it did anything", new BrokerRefused("full", true)],
    ["was never asked to do", new BrokerUnavailable("too many messages wait", true)],
  ] as const) {
    test(`sends again, first and in order, what the log ${what}, when it is opened and not before`, async () => {
      const it = queueBefore();
      it.queue.open();
      it.push("1", "2");
      await settle();
      it.push("3");
      await it.answer(error);
      expect([it.losses, it.shuts, it.appends.length]).toEqual([[], 0, 1]);
      it.queue.open();
      await settle();
      expect(it.appends.at(-1)).toEqual(["1", "2", "3"]);
      await it.answer();
      expect(it.counters).toMatchObject({ appended: 3, refused: 0, unconfirmed: 0 });
    });
  }

  test("refuses what waits once the log has refused for 5 s, and takes up where the log does", async () => {
    const it = queueBefore();
    const refusal = new BrokerRefused("full", true);
    it.queue.open();
    it.push("1");
    await settle();
    await it.answer(refusal);
    it.clock.advance(PATIENCE_MS - 1);
    it.queue.open();
    it.push("2");
    await settle();
    await it.answer(refusal);
    expect(it.losses).toEqual([]);
    it.clock.advance(1);
    it.queue.open();
    await settle();
    await it.answer(refusal);
    expect([it.losses, it.counters.refused, it.queue.isSettled]).toEqual([["refused 2"], 2, true]);
    it.queue.open();
    it.push("3");
    await settle();
    await it.answer();
    expect([it.appends.at(-1), it.counters.appended]).toEqual([["3"], 1]);
  });

  test("says why the log refused, and asks it with nothing in hand until it does no longer", async () => {
    const it = queueBefore();
    it.queue.open();
    it.push("1");
    await settle();
    expect(it.queue.refusal).toBeNull();
    await it.answer(new BrokerRefused("a function failed"));
    expect([it.queue.refusal, it.losses, it.shuts]).toEqual(["a function failed", ["unconfirmed 1"], 0]);
    it.queue.open();
    await settle();
    expect(it.appends.at(-1)).toEqual([]);
    await it.answer();
    expect(it.queue.refusal).toBeNull();
    it.queue.open();
    await settle();
    expect(it.appends.length).toBe(2);
  });

  test("sends nothing without a lease", async () => {
    const it = queueBefore();
    it.hasLease = false;
    it.queue.open();
    it.push("1");
    await settle();
    expect([it.appends, it.shuts]).toEqual([[], 1]);
    it.hasLease = true;
    it.queue.open();
    await settle();
    expect(it.appends).toEqual([["1"]]);
  });

  test("that is cleared forgets what waits, and what the log then refuses", async () => {
    const it = queueBefore();
    it.queue.open();
    it.push("1");
    await settle();
    it.push("2", "3");
    const settled = it.queue.settled();
    expect(it.queue.clear()).toBe(2);
    await it.answer(new LeaseLost("over"));
    await settled;
    expect([it.losses, it.queue.isSettled]).toEqual([["lost 1"], true]);
    it.queue.open();
    it.push("4");
    await settle();
    expect(it.appends.at(-1)).toEqual(["4"]);
  });
});
