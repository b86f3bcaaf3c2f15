import { describe, expect, test } from "bun:test";
import { eventually } from "./support/eventually.ts";
import { startRedis } from "./support/redis-server.ts";
import { startTestRelay, type TestRelay } from "./support/test-relay.ts";

const history = { history: true } as const;

function update(user: string, payload: unknown): { target_user_id: string } & Record<string, unknown> {
  return { target_user_id: user, type: "t", payload };
}

async function readiness(relay: TestRelay): Promise<string> {
  const response = await relay.http("/readyz");
  const { detail } = (await response.json()) as { readonly detail?: string };
  return `${response.status} ${detail ?? ""}`;
}

describe("plain PUBLISH with history, before a Redis that refuses", () => {
  test("because it is full, turns readiness red with the reason, is retried, and is ready by itself when there is room", async () => {
    await using relay = await startTestRelay({ settings: history });
    const client = await relay.connect("ann");
    await relay.publish(update("ann", 1));
    await eventually("the first is there", () => client.frames.length === 1);
    await relay.redis.cli("config", "set", "maxmemory", "1mb");
    await relay.publish(update("ann", 2));
    await eventually("it is not ready", async () => (await readiness(relay)).startsWith("503"));
    expect(await readiness(relay)).toBe(
      "503 what PUBLISH says cannot be stored: Redis refused: Redis is out of memory (OOM)",
    );
    const lines = relay.log.filter((line) => line.includes("the broker refused"));
    expect(lines[0]).toContain('"reason":"Redis refused: Redis is out of memory (OOM)"');
    expect(lines.length).toBeLessThan(4);
    await relay.redis.cli("config", "set", "maxmemory", "0");
    await eventually("it is ready", async () => (await readiness(relay)).startsWith("200"));
    await eventually("what was refused is there", () => client.frames.length === 2);
    expect(await relay.metric('tidings_ingest_updates_total{result="unconfirmed"}')).toBe(0);
  });

  test("because it was made a replica, turns the readiness of all relays red with the reason", async () => {
    await using redis = await startRedis();
    await using one = await startTestRelay({ redis, settings: history });
    await using two = await startTestRelay({ redis, settings: history });
    await redis.cli("replicaof", "127.0.0.1", "1");
    for (const relay of [one, two]) {
      await eventually("it is told", async () => (await readiness(relay)).includes("(READONLY)"), 10_000);
    }
  }, 20_000);

  test("because somebody flushed the functions, costs nothing", async () => {
    await using relay = await startTestRelay({ settings: history });
    await relay.redis.cli("function", "flush");
    const before = relay.log.length;
    await relay.publish(update("ann", 1));
    await eventually("the connections are replaced", () =>
      relay.log.slice(before).some((line) => line.includes("updates arrive")),
    );
    await eventually("it is stored", async () => {
      return (await relay.metric('tidings_ingest_updates_total{result="appended"}')) === 1;
    });
    expect(await relay.metric('tidings_ingest_updates_total{result="unconfirmed"}')).toBe(0);
  });
});

describe("two fleets on one Redis", () => {
  test("with a database each do not take the lease from each other", async () => {
    await using redis = await startRedis();
    const started = await Promise.all(
      [0, 1].map((database) =>
        startTestRelay({
          redis,
          settings: { ...history, redis_url: `${redis.url}/${database}`, channel: `updates-${database}` },
        }),
      ),
    );
    await using _one = started[0];
    await using _two = started[1];
    const clients = await Promise.all(started.map((relay, index) => relay.connect(`user-${index}`)));
    for (let count = 1; count <= 50; count += 1) {
      for (const [index, relay] of started.entries()) {
        await relay.publishRaw(JSON.stringify(update(`user-${index}`, count)), `updates-${index}`);
      }
      await eventually(`update ${count} is there`, () =>
        clients.every(({ frames }) => frames.length === count),
      );
    }
    for (const relay of started) {
      expect(await relay.metric("tidings_ingest_takeovers_total")).toBe(1);
      expect(relay.log.filter((line) => line.includes("share the logs"))).toEqual([]);
    }
  });

  test("and one database have a lease for each channel, and both say that they share the logs", async () => {
    await using redis = await startRedis();
    await using prod = await startTestRelay({ redis, settings: { ...history, channel: "prod" } });
    await using stage = await startTestRelay({ redis, settings: { ...history, channel: "stage" } });
    for (const relay of [prod, stage]) {
      await eventually("both channels are named", () =>
        relay.log.some(
          (line) => line.includes("share the logs") && line.includes("prod") && line.includes("stage"),
        ),
      );
    }
    const ann = await prod.connect("ann");
    const bob = await stage.connect("bob");
    await prod.publishRaw(JSON.stringify(update("ann", 1)), "prod");
    await prod.publishRaw(JSON.stringify(update("bob", 1)), "stage");
    await eventually("both arrive", () => ann.frames.length === 1 && bob.frames.length === 1);
    expect((await redis.cli("keys", "tidings:ingest*")).split("\n").toSorted()).toEqual([
      "tidings:ingest:prod",
      "tidings:ingest:stage",
    ]);
  });
});

test("a relay that replaces the bounds of another says which, and to what", async () => {
  await using redis = await startRedis();
  await using one = await startTestRelay({ redis, settings: history });
  await using two = await startTestRelay({ redis, settings: { ...history, history_size: 5 } });
  expect(one.log.filter((line) => line.includes("other history settings"))).toEqual([]);
  const warning = two.log.find((line) => line.includes("other history settings"));
  expect(warning).toContain('"changes":"TIDINGS_HISTORY_SIZE 1000 → 5"');
});
