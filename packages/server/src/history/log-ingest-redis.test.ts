import { describe, expect, test } from "bun:test";
import { createClient } from "@redis/client";
import { RedisBroker } from "../broker/redis.ts";
import { systemClock } from "../clock.ts";
import { IngestRelay, storedNumbers } from "./ingest-test-support.ts";
import { eventually } from "../../../../tests/support/eventually.ts";
import { type RedisServer, startRedis } from "../../../../tests/support/redis-server.ts";

const history = { updates: 100_000, bytes: 1e9, ttlMs: 3_600_000, maxUpdateBytes: 1_048_576 };

/** A relay's ingest on a real Redis, told of its broker's fate as a relay tells it. */
async function startRelay(redis: RedisServer, id: string, onLost: () => void): Promise<IngestRelay> {
  const relay: IngestRelay = new IngestRelay(id, systemClock, (subscriptions) => {
    const broker = new RedisBroker({
      url: redis.url,
      subscriptions,
      probeIntervalMs: 100,
      timeoutMs: 3_000,
      relayId: id,
      clock: systemClock,
      random: Math.random,
      history,
      events: {
        onHealth: ({ ok }) => ok && relay.ingest.arrived(),
        onConnectionLost: () => {
          relay.ingest.interrupted();
          onLost();
        },
      },
    });
    const { log } = broker;
    if (log === null) throw new Error("history is on and there is no log");
    broker.start();
    return { broker, log };
  });
  await eventually(`${id} is served`, () => relay.ingest.isServed);
  return relay;
}

/** Relays on a Redis of their own, and one worker that publishes to them. */
class Fleet implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly relays: IngestRelay[] = [];
  /** Numbers that Redis had subscribers for. */
  published = 0;
  /** How often a relay lost its connections. */
  lost = 0;
  readonly #worker;
  #load: Promise<void> | null = null;
  #isLoading = false;

  private constructor(redis: RedisServer) {
    this.redis = redis;
    this.#worker = createClient({ url: redis.url });
    this.#worker.on("error", () => {});
  }

  static async start(count: number): Promise<Fleet> {
    const fleet = new Fleet(await startRedis());
    await fleet.#worker.connect();
    for (let index = 0; index < count; index += 1) await fleet.join();
    return fleet;
  }

  async join(): Promise<IngestRelay> {
    const relay = await startRelay(this.redis, `relay-${this.relays.length}`, () => (this.lost += 1));
    this.relays.push(relay);
    return relay;
  }

  get holders(): readonly IngestRelay[] {
    return this.relays.filter((relay) => relay.ingest.isHolder && !relay.isDead);
  }

  async publish(count: number): Promise<void> {
    const sent = Array.from({ length: count }, () => {
      this.published += 1;
      const update = { target_user_id: "alice", type: "t", payload: this.published };
      return this.#worker.publish("updates", JSON.stringify(update));
    });
    await Promise.all(sent);
  }

  /** Publishes without a pause until {@link rest}. */
  load(): void {
    this.#isLoading = true;
    const run = async (): Promise<void> => {
      while (this.#isLoading) {
        await this.publish(20);
        await Bun.sleep(1);
      }
    };
    this.#load = run();
  }

  async rest(): Promise<void> {
    this.#isLoading = false;
    await this.#load;
  }

  async stored(): Promise<number[]> {
    const reader = this.relays.find((relay) => !relay.isDead);
    if (reader === undefined) throw new Error("no relay lives");
    return storedNumbers(reader.log, "alice");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rest();
    for (const relay of this.relays) await relay.kill();
    this.#worker.destroy();
    await this.redis[Symbol.asyncDispose]();
  }
}

/** The numbers up to `last` that are not in `stored`, which must be in order and without a repetition. */
function missing(stored: readonly number[], last: number): number[] {
  expect(stored).toEqual([...new Set(stored)].toSorted((one, other) => one - other));
  const known = new Set(stored);
  return Array.from({ length: last }, (_, index) => index + 1).filter((number) => !known.has(number));
}

describe("on a real Redis", () => {
  test("relays that leave one after the other under load hand over with every update stored once and in order", async () => {
    await using fleet = await Fleet.start(3);
    fleet.load();
    for (let round = 0; round < 4; round += 1) {
      const [holder] = fleet.holders;
      const before = fleet.published;
      await eventually("updates flow", () => fleet.published > before + 200);
      await fleet.join();
      await holder?.ingest.yield();
      await eventually("another holds", () => fleet.holders.length === 1 && fleet.holders[0] !== holder);
    }
    await fleet.rest();
    await eventually("all is stored", async () => (await fleet.stored()).length >= fleet.published);
    expect(missing(await fleet.stored(), fleet.published)).toEqual([]);
    expect(fleet.relays.flatMap(({ losses }) => losses)).toEqual([]);
  }, 60_000);

  test("a holder that dies under load is replaced within 3 s, with one hole and nothing twice", async () => {
    await using fleet = await Fleet.start(3);
    fleet.load();
    await eventually("updates flow", () => fleet.published > 200);
    await fleet.holders[0]?.kill();
    await eventually("another holds", () => fleet.holders.length === 1, 3_000);
    await fleet.publish(1);
    await fleet.rest();
    const last = fleet.published;
    await eventually("the last is stored", async () => (await fleet.stored()).at(-1) === last);
    const lost = missing(await fleet.stored(), last);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.at(-1)).toBe((lost[0] ?? 0) + lost.length - 1);
  }, 60_000);

  test("a holder that is frozen under load is replaced, and stores nothing when it goes on", async () => {
    await using fleet = await Fleet.start(3);
    fleet.load();
    await eventually("updates flow", () => fleet.published > 200);
    const [frozen] = fleet.holders;
    frozen?.freeze();
    await eventually("another holds", () => fleet.holders.length === 2, 3_000);
    const appended = frozen?.counters.appended;
    frozen?.thaw();
    await eventually("one holds", () => fleet.holders.length === 1);
    await fleet.publish(1);
    await fleet.rest();
    const last = fleet.published;
    await eventually("the last is stored", async () => (await fleet.stored()).at(-1) === last);
    missing(await fleet.stored(), last);
    expect(frozen?.ingest.isHolder).toBe(false);
    // What was on its way when it froze had been stored in time.
    expect((frozen?.counters.appended ?? 0) - (appended ?? 0)).toBeLessThanOrEqual(128);
  }, 60_000);

  test("connections that Redis kills under load cost what was on its way, and nothing is stored twice", async () => {
    await using fleet = await Fleet.start(3);
    fleet.load();
    for (let round = 0; round < 5; round += 1) {
      const before = fleet.published;
      await eventually("updates flow", () => fleet.published > before + 100);
      await fleet.redis.cli("CLIENT", "KILL", "TYPE", "pubsub");
      await eventually("all noticed, and all are served", () => {
        const isServed = fleet.relays.every(({ ingest }) => ingest.isServed);
        return fleet.lost >= (round + 1) * fleet.relays.length && isServed;
      });
    }
    await fleet.rest();
    await eventually("one holds", () => fleet.holders.length === 1);
    await eventually("the last is stored", async () => {
      await fleet.publish(1);
      return (await fleet.stored()).at(-1) === fleet.published;
    });
    missing(await fleet.stored(), fleet.published);
  }, 60_000);
});
