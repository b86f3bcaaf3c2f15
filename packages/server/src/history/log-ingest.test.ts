import { describe, expect, test } from "bun:test";
import { BrokerUnavailable } from "../broker/broker.ts";
import { fleetOf, MemoryFleet, plainLog, range, settle } from "./ingest-test-support.ts";
import { KEEP_MS } from "./ingest-keep.ts";
import { YIELD_MS } from "./log-ingest.ts";

describe("of three relays", () => {
  test("one appends, in order and once, and all know that it is served", async () => {
    const { fleet, relays } = await fleetOf(3);
    fleet.publish(1_000);
    await settle();
    expect(await fleet.stored()).toEqual(range(1, 1_000));
    expect(relays.map(({ ingest }) => ingest.isHolder)).toEqual([true, false, false]);
    expect(relays.map(({ ingest }) => ingest.isServed)).toEqual([true, true, true]);
    expect(relays.map(({ counters }) => counters.appended)).toEqual([1_000, 0, 0]);
  });

  test("one keeps the lease for as long as it lives", async () => {
    const { fleet, relays } = await fleetOf(3);
    await fleet.pass(60_000);
    fleet.publish();
    await settle();
    expect(await fleet.stored()).toEqual([1]);
    expect(relays.map(({ counters }) => counters.takeovers)).toEqual([1, 0, 0]);
  });

  test("another takes over within 3 s of the holder's death, and each update is stored at most once", async () => {
    const { fleet, relays } = await fleetOf(3);
    await fleet.pass(750);
    fleet.publish(10);
    await settle();
    await relays[0]?.kill();
    fleet.publish(10);
    await fleet.pass(3_000);
    expect(fleet.holder).not.toBeNull();
    fleet.publish(10);
    await settle();
    expect(await fleet.stored()).toEqual([...range(1, 10), ...range(21, 30)]);
  });

  test("a standby that lags behind does not append again what a dead holder had", async () => {
    const { fleet, relays } = await fleetOf(2);
    relays[1]?.lag();
    fleet.publish(5);
    await settle();
    await relays[0]?.kill();
    await fleet.pass(3_000);
    fleet.publish(5);
    relays[1]?.keepUp();
    await settle();
    fleet.publish(5);
    await settle();
    expect(await fleet.stored()).toEqual(range(1, 15));
  });

  test("an append that reaches the log after the lease of its sender ended is refused", async () => {
    const { fleet, relays } = await fleetOf(2);
    const [holder, next] = relays;
    holder?.stall();
    fleet.publish(5);
    await settle();
    holder?.freeze();
    await fleet.pass(3_000);
    fleet.publish(5);
    await settle();
    expect(next?.ingest.isHolder).toBe(true);
    holder?.flow();
    holder?.thaw();
    await settle();
    expect(await fleet.stored()).toEqual(range(6, 10));
    expect(holder?.counters).toMatchObject({ appended: 0, unconfirmed: 0, lost: 5 });
  });

  test("a standby that has just come keeps what comes when the holder leaves", async () => {
    const { fleet, relays } = await fleetOf(1);
    await fleet.pass(5_000);
    await fleet.start();
    await fleet.pass(600);
    relays[1]?.stall();
    await relays[0]?.ingest.yield();
    fleet.publish(5);
    relays[1]?.flow();
    await fleet.pass(600);
    expect(await fleet.stored()).toEqual(range(1, 5));
  });

  test("one that was frozen and leaves is not believed to be the holder", async () => {
    const { fleet, relays } = await fleetOf(3);
    const [mistaken, holder] = relays;
    mistaken?.freeze();
    await fleet.pass(3_000);
    fleet.say("tidings:ingest", { verb: "yielding", relay_id: mistaken?.id, scope: "0/updates" });
    fleet.publish(5);
    await settle();
    await fleet.relays.find(({ ingest }) => ingest.isHolder && ingest !== mistaken?.ingest)?.kill();
    await fleet.pass(3_000);
    expect(holder).toBeDefined();
    expect(await fleet.stored()).toEqual(range(1, 5));
  });

  test("the holder counts and reports what is malformed, once", async () => {
    const { fleet, relays } = await fleetOf(3);
    fleet.say("updates", { type: "t", payload: 1 });
    expect(relays.map(({ malformed }) => malformed.get("target_missing"))).toEqual([1, undefined, undefined]);
  });

  test("all pass over words they do not understand", async () => {
    const { fleet, relays } = await fleetOf(3);
    for (const word of [
      "hello",
      7,
      {},
      { verb: "explode", relay_id: "x" },
      { verb: "holding", relay_id: "x" },
    ])
      fleet.say("tidings:ingest", word);
    expect(relays.map(({ unknown }) => unknown)).toEqual([5, 5, 5]);
    fleet.publish();
    await settle();
    expect(await fleet.stored()).toEqual([1]);
  });
});

describe("a holder that leaves", () => {
  test("hands over under load, with every update stored once and in order", async () => {
    const { fleet } = await fleetOf(4);
    for (const relay of fleet.relays.slice(0, 3)) {
      fleet.publish(300);
      const left = relay.ingest.yield();
      for (let turn = 0; turn < 20; turn += 1) {
        fleet.publish(7);
        await new Promise<void>((resolve) => void setImmediate(resolve));
      }
      await left;
      fleet.publish(50);
      await settle();
      expect([relay.ingest.isHolder, fleet.holder !== null]).toEqual([false, true]);
    }
    expect(await fleet.stored()).toEqual(range(1, 3 * 490));
    expect(fleet.relays.flatMap(({ losses }) => losses)).toEqual([]);
  });

  test("is followed by one that keeps what comes while nobody asks for the lease", async () => {
    const { fleet, relays } = await fleetOf(2);
    const [holder, next] = relays;
    next?.freeze();
    fleet.publish(5);
    await settle();
    await holder?.ingest.yield();
    fleet.publish(5);
    next?.thaw();
    fleet.publish(5);
    await settle();
    expect(await fleet.stored()).toEqual(range(1, 15));
  });

  test("hands over although it has just got the lease", async () => {
    const fleet = new MemoryFleet();
    const first = await fleet.start();
    const second = await fleet.start();
    const third = await fleet.start();
    const leaving = first.ingest.yield();
    fleet.publish(3);
    const both = Promise.all([leaving, second.ingest.yield()]);
    fleet.publish(3);
    await settle();
    await both;
    await fleet.pass(3_000);
    expect(third.ingest.isHolder).toBe(true);
    fleet.publish(3);
    await settle();
    expect(await fleet.stored()).toEqual(range(1, 9));
  });

  test("and is alone stores what it heard before its word", async () => {
    const { fleet, relays } = await fleetOf(1);
    fleet.publish(5);
    await relays[0]?.ingest.yield();
    fleet.publish(5);
    await fleet.pass(10_000);
    expect(await fleet.stored()).toEqual(range(1, 5));
    expect(relays[0]?.ingest.isHolder).toBe(false);
  });

  test("and gets no answer from the log is let go in time, and its lease is left to run out", async () => {
    const fleet = new MemoryFleet();
    const stuck = Promise.withResolvers<never>();
    let isStuck = false;
    const holder = await fleet.start((log) => ({
      ...plainLog(log),
      append: (drafts, lease) => (isStuck ? stuck.promise : log.append(drafts, lease)),
    }));
    const next = await fleet.start();
    isStuck = true;
    fleet.publish(5);
    await settle();
    const left = holder.ingest.yield();
    await settle();
    fleet.publish(5);
    await fleet.pass(YIELD_MS);
    await left;
    expect(next.ingest.isHolder).toBe(false);
    await fleet.pass(2_500);
    expect(next.ingest.isHolder).toBe(true);
    fleet.publish(5);
    await settle();
    expect(await fleet.stored()).toEqual(range(6, 15));
  });

  test("does nothing more: yield can be called again, and a standby leaves at once", async () => {
    const { fleet, relays } = await fleetOf(2);
    const [holder, standby] = relays;
    await standby?.ingest.yield();
    await holder?.ingest.yield();
    await holder?.ingest.yield();
    await fleet.pass(10_000);
    expect(fleet.holder).toBeNull();
    expect(fleet.clock.timers).toBe(0);
  });

  test("and is never replaced leaves what comes to be kept for a while, and then lost and counted", async () => {
    const fleet = new MemoryFleet();
    const holder = await fleet.start();
    let isAway = false;
    const next = await fleet.start((log) => ({
      ...plainLog(log),
      lease: (id, ttlMs) => (isAway ? Promise.reject(new BrokerUnavailable("away")) : log.lease(id, ttlMs)),
    }));
    isAway = true;
    await holder.ingest.yield();
    fleet.publish(5);
    await fleet.pass(KEEP_MS);
    expect(next.counters).toMatchObject({ appended: 0, lost: 5 });
    isAway = false;
    fleet.publish(5);
    await fleet.pass(600);
    expect(next.counters.lost).toBe(10);
    fleet.publish(5);
    await settle();
    expect(await fleet.stored()).toEqual(range(11, 15));
  });
});
