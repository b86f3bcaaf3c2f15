import { describe, expect, test } from "bun:test";
import { BrokerUnavailable } from "../broker/broker.ts";
import { fleetOf, MemoryFleet, plainLog, range, settle } from "./ingest-test-support.ts";
import { KEEP_MS } from "./log-ingest.ts";

describe("a holder that was frozen", () => {
  for (const [how, asPaused] of [
    ["as by SIGSTOP", false],
    ["with its machine, so that its clock stood still", true],
  ] as const) {
    test(`${how} stores nothing more and steps down`, async () => {
      const { fleet, relays } = await fleetOf(3);
      const [holder] = relays;
      fleet.publish(5);
      await settle();
      holder?.freeze();
      fleet.publish(5);
      await fleet.pass(3_000);
      fleet.publish(5);
      await settle();
      holder?.thaw(asPaused);
      fleet.publish(5);
      await settle();
      expect(holder?.ingest.isHolder).toBe(false);
      expect(await fleet.stored()).toEqual([...range(1, 5), ...range(11, 20)]);
    });

    test(`${how} and finds nobody in its place goes on without a loss`, async () => {
      const { fleet, relays } = await fleetOf(1);
      const [holder] = relays;
      fleet.publish(5);
      holder?.freeze();
      fleet.publish(5);
      await fleet.pass(10_000);
      holder?.thaw(asPaused);
      fleet.publish(5);
      await fleet.pass(1_000);
      expect(await fleet.stored()).toEqual(range(1, 15));
      expect(holder?.losses).toEqual([]);
    });
  }

  for (const [how, asPaused, lost] of [
    ["by SIGSTOP costs nothing", false, []],
    // Its claim is believed until the log has been asked: for a moment nobody appends.
    ["with its machine stores nothing that another has", true, range(6, 10)],
  ] as const) {
    test(`between its question for the lease and the answer, ${how}`, async () => {
      const { fleet, relays } = await fleetOf(3);
      const [holder, late, next] = relays;
      await holder?.kill();
      for (const relay of [late, next]) relay?.freeze();
      await fleet.pass(3_000);
      // It asks, and is frozen again before it hears that it has the lease.
      late?.thaw();
      late?.freeze();
      await fleet.pass(3_000);
      next?.thaw();
      await fleet.pass(600);
      expect(next?.ingest.isHolder).toBe(true);
      fleet.publish(5);
      await settle();
      late?.thaw(asPaused);
      await Promise.resolve();
      fleet.publish(5);
      await fleet.pass(1_000);
      fleet.publish(5);
      await settle();
      expect(fleet.holder).toBe(next ?? null);
      const stored = await fleet.stored();
      expect(stored).toEqual(range(1, 15).filter((number) => stored.includes(number)));
      expect(range(1, 15).filter((number) => !stored.includes(number))).toEqual([...lost]);
    });
  }
});

describe("while the log cannot be asked", () => {
  test("the holder ceases when its lease runs out, keeps what comes for a while, and goes on", async () => {
    const fleet = new MemoryFleet();
    let isAway = false;
    const away = <T>(answer: () => Promise<T>): Promise<T> =>
      isAway ? Promise.reject(new BrokerUnavailable("away")) : answer();
    const relay = await fleet.start((log) => ({
      ...plainLog(log),
      append: (drafts, lease) => away(() => log.append(drafts, lease)),
      lease: (holder, ttlMs) => away(() => log.lease(holder, ttlMs)),
    }));
    isAway = true;
    fleet.publish(2);
    await settle();
    expect(relay.losses).toEqual([["unconfirmed", 2]]);
    fleet.publish(3);
    await fleet.pass(2_500);
    expect([relay.ingest.isHolder, relay.ingest.isServed]).toEqual([false, false]);
    fleet.publish(3);
    isAway = false;
    await fleet.pass(600);
    expect(await fleet.stored()).toEqual(range(3, 8));
    isAway = true;
    fleet.publish(1);
    await settle();
    fleet.publish(4);
    await fleet.pass(2_000 + KEEP_MS + 500);
    expect(relay.counters).toMatchObject({ appended: 6, unconfirmed: 3, lost: 4, refused: 0 });
  });

  test("a lost subscription makes a holder forget what it kept, unless its lease never lapsed", async () => {
    const { fleet, relays } = await fleetOf(1);
    const [relay] = relays;
    relay?.ingest.interrupted();
    fleet.publish(3);
    relay?.ingest.arrived();
    await settle();
    expect(await fleet.stored()).toEqual(range(1, 3));
    relay?.freeze();
    fleet.publish(3);
    await fleet.pass(3_000);
    relay?.ingest.interrupted();
    relay?.thaw();
    await fleet.pass(600);
    fleet.publish(3);
    await settle();
    expect(await fleet.stored()).toEqual([...range(1, 3), ...range(7, 9)]);
    expect(relay?.counters.lost).toBe(3);
  });
});
