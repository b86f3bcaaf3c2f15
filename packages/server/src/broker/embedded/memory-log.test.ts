import { expect, test } from "bun:test";
import { systemClock } from "../../clock.ts";
import { BrokerUnavailable } from "../broker.ts";
import { describeLogContract } from "../log-contract.ts";
import { draft, only, rejection } from "../log-contract/under-test.ts";
import {
  IDEMPOTENCY_MS,
  LOG_CHANNEL,
  type LogBounds,
  type LogPosition,
  type PageLimit,
} from "../update-log.ts";
import { ownBytes, textOf } from "./channel-name.ts";
import { ChannelRegistry } from "./channels.ts";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "./embedded-broker.ts";
import { LogStore } from "./log-store.ts";
import { MemoryLog } from "./memory-log.ts";
import { ManualClock } from "../../../../../tests/support/manual-clock.ts";

describeLogContract("the embedded log", async (bounds) => {
  const channels = new ChannelRegistry();
  const store = new LogStore({ bounds, channels, clock: systemClock, random: Math.random });
  return {
    log: new MemoryLog(store, () => true),
    async subscribe(handler) {
      channels.subscribe(ownBytes(LOG_CHANNEL), { deliver: (_, notice) => handler(notice) });
    },
    async forget(target) {
      store.forget(target);
    },
    async [Symbol.asyncDispose]() {},
  };
});

const BOUNDS: LogBounds = { updates: 1_000, bytes: 1_048_576, ttlMs: 3_600_000, maxUpdateBytes: 1_048_576 };
const PAGE: PageLimit = { updates: 1_000, bytes: 1_048_576 };

interface Held {
  readonly clock: ManualClock;
  readonly store: LogStore;
}

function hold(bounds: Partial<LogBounds> = {}, maxTotalBytes?: number): Held {
  const clock = new ManualClock();
  const channels = new ChannelRegistry();
  const all = { ...BOUNDS, ...bounds };
  const total = maxTotalBytes === undefined ? {} : { maxTotalBytes };
  return { clock, store: new LogStore({ bounds: all, channels, clock, random: () => 0.5, ...total }) };
}

function append(store: LogStore, target: string, id: string | null = null, size = 2): LogPosition {
  return only(store.append([draft(target, "x".repeat(size), { id })]));
}

test("an id is remembered for ten minutes, and not longer", () => {
  const { clock, store } = hold();
  const first = append(store, "ann", '"a"');
  clock.advance(IDEMPOTENCY_MS - 1);
  expect(append(store, "ann", '"a"')).toEqual(first);
  clock.advance(1);
  expect(append(store, "ann", '"a"').n).toBe(2);
});

test("an update is held to the end of its time and not longer, whatever comes after it", () => {
  const { clock, store } = hold({ ttlMs: 1_000 });
  append(store, "ann");
  clock.advance(600);
  const { epoch } = append(store, "ann");
  const numbers = (): number[] => store.read("ann", "earliest", PAGE).entries.map(({ n }) => n);
  clock.advance(399);
  expect(numbers()).toEqual([1, 2]);
  clock.advance(1);
  expect(numbers()).toEqual([2]);
  expect(store.read("ann", { epoch, n: 0 }, PAGE).outcome).toBe("trimmed");
});

test("logs that rested for their time to live are dropped with the next call, and no timer waits for it", () => {
  const { clock, store } = hold({ ttlMs: 1_000 });
  for (let user = 0; user < 100; user += 1) append(store, `user-${user}`);
  const { epoch } = append(store, "ann");
  clock.advance(999);
  store.positions(["ann"]);
  expect(store.size).toBe(101);
  clock.advance(1);
  store.positions(["bob"]);
  expect(store.size).toBe(2);
  expect(only(store.positions(["ann"]))).toEqual({ epoch, n: 1 });
  expect(clock.timers).toBe(0);
});

test("when all logs together grow too large, the one that rested longest is lost and begins another epoch", () => {
  const { store } = hold({}, 100_000);
  const ann = append(store, "ann", null, 40_000);
  const bob = append(store, "bob", null, 40_000);
  store.positions(["ann"]);
  append(store, "carol", null, 40_000);
  expect(store.size).toBe(2);
  expect(only(store.positions(["ann"]))).toEqual(ann);
  expect(store.read("bob", bob, PAGE).outcome).toBe("epoch_changed");
});

test("the bound of all logs counts what each lets go, so that steady use loses none", () => {
  const { clock, store } = hold({ updates: 10, ttlMs: 60_000 }, 400_000);
  const start = store.positions(["ann", "bob"]);
  for (let count = 0; count < 2_000; count += 1) {
    append(store, "ann", `"${count}"`, 5_000);
    append(store, "bob", null, 5_000);
    clock.advance(IDEMPOTENCY_MS / 500);
  }
  expect(store.positions(["ann", "bob"])).toEqual(start.map(({ epoch }) => ({ epoch, n: 2_000 })));
});

test("a log as large as the bound of all logs is held alone, rather than lost while it is written", () => {
  const { store } = hold({}, 10_000);
  append(store, "ann");
  const { epoch } = append(store, "bob", null, 20_000);
  expect(append(store, "bob", null, 20_000)).toEqual({ epoch, n: 2 });
  expect(store.size).toBe(1);
});

test("a store never has the same epoch twice", () => {
  const { store } = hold();
  const epochs = Array.from({ length: 100 }, () => {
    const { epoch } = append(store, "ann");
    store.forget("ann");
    return epoch;
  });
  expect(new Set(epochs).size).toBe(100);
});

test("the log of a broker that does not run rejects with BrokerUnavailable", async () => {
  const broker = new EmbeddedBroker({ subscriptions: new Map(), clock: systemClock, history: BOUNDS });
  const { log } = broker;
  if (log === null) throw new Error("history is on");
  const calls = (): Promise<unknown>[] => [
    log.append([draft("ann", "{}")]),
    log.positions(["ann"]),
    log.read("ann", "earliest", PAGE),
    log.lease("a", 1_000),
    log.release("a"),
    log.distrust("ann", "e"),
  ];
  for (const call of calls()) expect(await rejection(call)).toBeInstanceOf(BrokerUnavailable);
  broker.start();
  await Promise.all(calls());
  await broker.close();
  for (const call of calls()) expect(await rejection(call)).toBeInstanceOf(BrokerUnavailable);
});

test("brokers on the same channels share their logs, and a broker without history has none", async () => {
  const seen: string[] = [];
  const subscriptions = new Map([[LOG_CHANNEL, (notice: Uint8Array) => void seen.push(textOf(notice))]]);
  await using one = started({ subscriptions: new Map(), history: BOUNDS });
  const { channels, store } = one.broker;
  if (store === null) throw new Error("history is on");
  await using other = started({ subscriptions, channels, history: store });
  const position = await one.broker.log?.append([draft("ann", '{"a":1}')]);
  expect(await other.broker.log?.positions(["ann"])).toEqual(position ?? []);
  expect(seen).toEqual([`${position?.[0]?.epoch}.1\nann\n{"a":1}`]);
  await using off = started({ subscriptions });
  expect([off.broker.log, off.broker.store]).toEqual([null, null]);
});

test("the bytes given to an append are taken at once, so the caller may reuse them", async () => {
  await using it = started({ subscriptions: new Map(), history: BOUNDS });
  const bytes = ownBytes("before");
  const appended = it.broker.log?.append([draft("ann", bytes)]);
  bytes.fill(0);
  await appended;
  bytes.fill(1);
  const page = await it.broker.log?.read("ann", "earliest", PAGE);
  expect(page?.entries.map(({ frame }) => textOf(frame))).toEqual(["before"]);
});

test("an update appended by a handler is told after the one in hand, to everyone", async () => {
  const orders: string[][] = [[], []];
  let answer = (): void => {};
  const listen = (order: string[], isFirst: boolean) => (notice: Uint8Array) => {
    order.push(textOf(notice).split("\n")[2] ?? "");
    if (isFirst && order.length === 1) answer();
  };
  const subscriptions = new Map([[LOG_CHANNEL, listen(orders[0] ?? [], true)]]);
  await using it = started({ subscriptions, history: BOUNDS });
  const second = listen(orders[1] ?? [], false);
  it.broker.channels.subscribe(ownBytes(LOG_CHANNEL), { deliver: (_, notice) => second(notice) });
  let answered: Promise<unknown> | undefined;
  answer = () => {
    answered = it.broker.log?.append([draft("ann", "answer")]);
  };
  await it.broker.log?.append([draft("ann", "one"), draft("ann", "two")]);
  await answered;
  expect(orders).toEqual([
    ["one", "two", "answer"],
    ["one", "two", "answer"],
  ]);
});

function started(options: Omit<EmbeddedBrokerOptions, "clock">): AsyncDisposable & {
  readonly broker: EmbeddedBroker;
} {
  const broker = new EmbeddedBroker({ ...options, clock: systemClock });
  broker.start();
  return { broker, [Symbol.asyncDispose]: () => broker.close() };
}
