import { expect, test } from "bun:test";
import { ManualClock } from "../../../tests/support/manual-clock.ts";
import { drainClients } from "./drain.ts";

test("closes are spread evenly over the window, in no order, with advice within a window's length", async () => {
  const clock = new ManualClock();
  const closed: { client: number; at: number; retryAfterMs: number }[] = [];
  const clients = Array.from({ length: 1_000 }, (_, client) => ({
    close: (_: string, details: { retryAfterMs: number }) =>
      void closed.push({ client, at: clock.monotonic(), ...details }),
  }));
  let seed = 7;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const drained = drainClients(clients, { windowMs: 10_000, deadlineMs: 20_000, clock, random });
  for (let second = 1; second <= 10; second += 1) {
    clock.advance(1_000);
    expect(closed.length).toBeWithin(second * 100 - 10, second * 100 + 11);
  }
  await drained;
  expect(new Set(closed.map(({ client }) => client)).size).toBe(1_000);
  expect(closed.map(({ client }) => client)).not.toEqual(Array.from({ length: 1_000 }, (_, index) => index));
  for (const { retryAfterMs } of closed) expect(retryAfterMs).toBeWithin(0, 10_000);
  expect(clock.timers).toBe(0);
});

test("a window of nothing closes all at once", async () => {
  const clock = new ManualClock();
  let closed = 0;
  const clients = Array.from({ length: 10 }, () => ({ close: () => void (closed += 1) }));
  await drainClients(clients, { windowMs: 0, deadlineMs: 20_000, clock, random: Math.random });
  expect(closed).toBe(10);
});

test("at the deadline all that are left are closed at once, with advice over the whole window", async () => {
  const clock = new ManualClock();
  const advice: number[] = [];
  const close = (_: string, { retryAfterMs }: { retryAfterMs: number }): void =>
    void advice.push(retryAfterMs);
  const clients = Array.from({ length: 100 }, () => ({ close }));
  const drained = drainClients(clients, { windowMs: 60_000, deadlineMs: 6_000, clock, random: Math.random });
  clock.advance(5_900);
  expect(advice.length).toBeWithin(1, 12);
  clock.advance(100);
  await drained;
  expect(advice.length).toBe(100);
  expect(Math.max(...advice)).toBeGreaterThan(6_000);
  expect(clock.timers).toBe(0);
});
