import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Debtor, OutboxBudget } from "./outbox-budget.ts";
import { WriteQueue } from "./write-queue.ts";

const LIMIT = 1_000;

/** A client that only owes. */
class Owing implements Debtor {
  waitingBytes = 0;
  isShed = false;
  readonly #budget: OutboxBudget;

  constructor(budget: OutboxBudget) {
    this.#budget = budget;
  }

  owe(bytes: number): void {
    if (!this.isShed) this.#budget.note(this, bytes);
  }

  shed(): void {
    this.isShed = true;
    this.#budget.note(this, 0);
  }
}

function stage(clients: number) {
  const deferred: (() => void)[] = [];
  const sheds: number[] = [];
  const budget = new OutboxBudget({
    limitBytes: LIMIT,
    writes: new WriteQueue((run) => deferred.push(run)),
    onShed: (count) => sheds.push(count),
  });
  const owing = Array.from({ length: clients }, () => new Owing(budget));
  const settle = (): void => {
    for (let run = deferred.shift(); run !== undefined; run = deferred.shift()) run();
  };
  return { budget, owing, sheds, settle };
}

test("whatever waits for whom, the sum is right, is bounded once input is handled, and the worst go first", () => {
  const notes = fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 0, max: 600 })), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(notes, { maxLength: 10 }), (batches) => {
      const { budget, owing, sheds, settle } = stage(10);
      for (const batch of batches) {
        for (const [who, bytes] of batch) owing[who]?.owe(bytes);
        const sum = owing.reduce((total, { waitingBytes }) => total + waitingBytes, 0);
        expect(budget.waitingBytes).toBe(sum);
        const before = owing.filter(({ isShed }) => !isShed).map((one) => ({ one, bytes: one.waitingBytes }));
        settle();
        expect(budget.waitingBytes).toBeLessThanOrEqual(LIMIT);
        const shed = before.filter(({ one }) => one.isShed).map(({ bytes }) => bytes);
        const kept = before.filter(({ one }) => !one.isShed).map(({ bytes }) => bytes);
        if (sum <= LIMIT) expect(shed).toEqual([]);
        if (shed.length > 0) expect(Math.min(...shed)).toBeGreaterThanOrEqual(Math.max(0, ...kept));
      }
      expect(sheds.reduce((total, count) => total + count, 0)).toBe(owing.filter((one) => one.isShed).length);
    }),
  );
});

test("nobody is shed where enough was written before the input at hand was handled", () => {
  const { owing, sheds, settle } = stage(2);
  owing[0]?.owe(900);
  owing[1]?.owe(900);
  owing[0]?.owe(0);
  settle();
  expect(sheds).toEqual([]);
});
