import { expect, test } from "bun:test";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { type Beating, Heartbeat } from "./heartbeat.ts";

class FakeClient implements Beating {
  isAlive = true;
  heartbeatSlot = -1;
  awaitsPong = false;
  readonly pings: number[] = [];
  closedAt: number | null = null;
  answers = true;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  ping(): void {
    this.pings.push(this.#clock.monotonic());
    if (this.answers) this.isAlive = true;
  }

  close(): void {
    this.closedAt = this.#clock.monotonic();
  }
}

const times = { intervalMs: 25_000, timeoutMs: 10_000 };

test("a client that answers is pinged once an interval and never closed", () => {
  const clock = new ManualClock();
  const heartbeat = new Heartbeat({ ...times, clock, random: () => 0.5 });
  const client = new FakeClient(clock);
  heartbeat.add(client);
  clock.advance(10 * 25_000);
  expect(client.pings.length).toBeWithin(9, 11);
  const gaps = client.pings.slice(1).map((at, index) => at - (client.pings[index] ?? 0));
  expect(new Set(gaps)).toEqual(new Set([25_000]));
  expect(client.closedAt).toBeNull();
});

test("a client that falls silent is closed one timeout after the ping it did not answer", () => {
  const clock = new ManualClock();
  const heartbeat = new Heartbeat({ ...times, clock, random: () => 0 });
  const client = new FakeClient(clock);
  heartbeat.add(client);
  clock.advance(30_000);
  client.answers = false;
  clock.advance(60_000);
  expect(client.closedAt).toBe((client.pings.at(-1) ?? 0) + 10_000);
  const pings = client.pings.length;
  clock.advance(60_000);
  expect(client.pings.length).toBe(pings);
});

test("any sign of life before the verdict keeps a client", () => {
  const clock = new ManualClock();
  const heartbeat = new Heartbeat({ ...times, clock, random: () => 0 });
  const client = new FakeClient(clock);
  client.answers = false;
  heartbeat.add(client);
  clock.advance(1_000);
  expect(client.pings.length).toBe(1);
  clock.advance(9_000);
  client.isAlive = true;
  clock.advance(1_000);
  expect(client.closedAt).toBeNull();
});

test("first pings are spread over the interval", () => {
  const clock = new ManualClock();
  let seed = 0;
  const heartbeat = new Heartbeat({ ...times, clock, random: () => (seed += 0.001) % 1 });
  const clients = Array.from({ length: 1_000 }, () => new FakeClient(clock));
  for (const client of clients) heartbeat.add(client);
  clock.advance(25_000);
  const first = clients.map((client) => client.pings[0]);
  for (let second = 1; second <= 25; second += 1) {
    expect(first.filter((at) => at === second * 1_000).length).toBeWithin(20, 60);
  }
});

test("a process that stalls judges nobody for it", () => {
  const clock = new ManualClock();
  const heartbeat = new Heartbeat({ ...times, clock, random: () => 0 });
  const client = new FakeClient(clock);
  client.answers = false;
  heartbeat.add(client);
  clock.advance(1_000);
  expect(client.pings.length).toBe(1);
  clock.stall(3_600_000);
  expect(client.closedAt).toBeNull();
  client.isAlive = true;
  clock.advance(9_000);
  expect(client.closedAt).toBeNull();
});

test("a client that was removed is neither pinged nor closed, and nothing of it is kept", () => {
  const clock = new ManualClock();
  const heartbeat = new Heartbeat({ ...times, clock, random: () => 0 });
  const client = new FakeClient(clock);
  heartbeat.add(client);
  heartbeat.remove(client);
  heartbeat.remove(client);
  clock.advance(100_000);
  expect(client.pings).toEqual([]);
  expect(client.closedAt).toBeNull();
  heartbeat.stop();
  expect(clock.timers).toBe(0);
});
