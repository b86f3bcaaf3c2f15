import { describe, expect, test } from "bun:test";
import { BrokerRefused, BrokerUnavailable } from "../broker/broker.ts";
import type { UpdateLog } from "../broker/update-log.ts";
import { fleetOf, MemoryFleet, plainLog, range, settle } from "./ingest-test-support.ts";
import { KEEP_MS } from "./ingest-keep.ts";

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

  for (const [how, asPaused] of [
    ["by SIGSTOP costs nothing", false],
    ["with its machine costs nothing", true],
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
      expect(await fleet.stored()).toEqual(range(1, 15));
    });
  }
});

describe("a word that is not true", () => {
  const ghost = { relay_id: "ghost", scope: "0/updates" };

  test("of another holder costs nothing: the log is asked, and who holds says so again, once in 400 ms at most", async () => {
    const { fleet, relays } = await fleetOf(2);
    const [holder, other] = relays;
    await fleet.pass(1_000);
    let claims = 0;
    fleet.listen("tidings:ingest", (word) => {
      if (word.includes("holding") && word.includes("relay-0")) claims += 1;
    });
    for (let count = 0; count < 100; count += 1) {
      fleet.say("tidings:ingest", { verb: "holding", claim: 1, ...ghost });
      fleet.publish();
      await fleet.pass(10);
    }
    await fleet.pass(1_000);
    expect(await fleet.stored()).toEqual(range(1, 100));
    expect(relays.map(({ ingest }) => [ingest.isHolder, ingest.isServed])).toEqual([
      [true, true],
      [false, true],
    ]);
    expect([holder?.losses, other?.losses, holder?.counters.takeovers]).toEqual([[], [], 1]);
    expect(claims).toBeGreaterThan(0);
    expect(claims).toBeLessThan(6);
    await holder?.ingest.yield();
    fleet.publish(5);
    await fleet.pass(1_000);
    expect(await fleet.stored()).toEqual(range(1, 105));
  });

  test("that this relay yields is not believed unless it leaves", async () => {
    const { fleet, relays } = await fleetOf(1);
    fleet.say("tidings:ingest", { verb: "yielding", relay_id: relays[0]?.id, scope: "0/updates" });
    fleet.publish(5);
    await fleet.pass(10_000);
    expect(await fleet.stored()).toEqual(range(1, 5));
    expect(relays[0]?.ingest.isHolder).toBe(true);
  });
});

describe("another lease", () => {
  test("of another database is no concern of this one's", async () => {
    const { fleet, relays } = await fleetOf(1);
    for (const verb of ["holding", "joining", "yielding", "released"]) {
      fleet.say("tidings:ingest", { verb, claim: 1, relay_id: "else", scope: "1/updates" });
    }
    fleet.publish(5);
    await fleet.pass(1_000);
    expect(await fleet.stored()).toEqual(range(1, 5));
    expect(relays[0]).toMatchObject({ unknown: 0, otherChannels: [], losses: [] });
  });

  test("of another channel in this database is reported, and told once of this one", async () => {
    const { fleet, relays } = await fleetOf(1);
    await fleet.pass(1_000);
    const said: string[] = [];
    fleet.listen("tidings:ingest", (word) => void (word.includes("relay-0") && said.push(word)));
    for (let count = 0; count < 5; count += 1) {
      fleet.say("tidings:ingest", { verb: "holding", claim: 1, relay_id: "else", scope: "0/stage/updates" });
      fleet.publish();
      await fleet.pass(500);
    }
    expect(await fleet.stored()).toEqual(range(1, 5));
    expect(relays[0]?.otherChannels).toEqual(Array.from({ length: 5 }, () => "stage/updates"));
    expect(said.length).toBe(1);
    expect(relays[0]?.counters.takeovers).toBe(1);
  });
});

describe("a log that refuses", () => {
  test("is told as the trouble while it does, and costs nothing that it takes within 5 s", async () => {
    const fleet = new MemoryFleet();
    let isFull = false;
    const relay = await fleet.start((log) => ({
      ...plainLog(log),
      append: (drafts, lease) =>
        isFull ? Promise.reject(new BrokerRefused("it is full", true)) : log.append(drafts, lease),
    }));
    fleet.publish(2);
    await settle();
    expect(relay.ingest.trouble).toBeNull();
    isFull = true;
    fleet.publish(2);
    await fleet.pass(4_000);
    expect(relay.ingest.trouble).toBe("what PUBLISH says cannot be stored: it is full");
    isFull = false;
    await fleet.pass(500);
    expect(relay.ingest.trouble).toBeNull();
    expect(await fleet.stored()).toEqual(range(1, 4));
    isFull = true;
    fleet.publish(3);
    await fleet.pass(KEEP_MS + 500);
    isFull = false;
    await fleet.pass(500);
    expect([relay.ingest.trouble, relay.counters.refused, relay.counters.unconfirmed]).toEqual([null, 3, 0]);
  });

  test("to give the lease is told as the trouble by all, once the last answer is older than a lease", async () => {
    const fleet = new MemoryFleet();
    let isReplica = false;
    const refusing = (log: UpdateLog): UpdateLog => ({
      ...plainLog(log),
      lease: (holder, ttlMs) =>
        isReplica ? Promise.reject(new BrokerRefused("read only", true)) : log.lease(holder, ttlMs),
    });
    const relays = [await fleet.start(refusing), await fleet.start(refusing)];
    isReplica = true;
    await fleet.pass(3_000);
    expect(relays.map(({ ingest }) => ingest.trouble)).toEqual(
      Array.from({ length: 2 }, () => "what PUBLISH says cannot be stored: read only"),
    );
  });
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
    fleet.publish(2);
    expect(relay.counters.lost).toBe(6);
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
