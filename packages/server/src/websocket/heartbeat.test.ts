import { expect, test } from "bun:test";
import fc from "fast-check";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { type Beating, Heartbeat } from "./heartbeat.ts";

class FakeClient implements Beating {
  isAlive = true;
  heartbeatSlot = -1;
  heartbeatIndex = 0;
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

test("whoever comes and goes, all that are watched are pinged once an interval, and nobody else", () => {
  const stay = fc.record({ from: fc.nat(120), until: fc.nat(120), chance: fc.nat(99) });
  const stays = fc.array(stay, { maxLength: 40 });
  fc.assert(
    fc.property(stays, (plan) => {
      const clock = new ManualClock();
      let chance = 0;
      const heartbeat = new Heartbeat({ ...times, clock, random: () => chance / 100 });
      const clients = plan.map(() => new FakeClient(clock));
      for (let second = 0; second <= 150; second += 1) {
        for (const [index, { from, until, chance: own }] of plan.entries()) {
          const client = clients[index] as FakeClient;
          chance = own;
          if (from === second) heartbeat.add(client);
          if (until === second) heartbeat.remove(client);
        }
        clock.advance(1_000);
      }
      for (const [index, { from, until }] of plan.entries()) {
        const { pings } = clients[index] as FakeClient;
        const end = until < from ? 151 : until;
        const intervals = (end - from) / 25;
        expect(pings.length).toBeWithin(Math.floor(intervals), Math.ceil(intervals) + 1);
        for (const ping of pings) expect(ping / 1_000).toBeWithin(from, end + 1);
      }
    }),
  );
});
