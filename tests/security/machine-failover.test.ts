import { createClient } from "@redis/client";
import { expect, setDefaultTimeout, test } from "bun:test";
import { parseRedisUrl } from "../../packages/server/src/broker/redis-target.ts";
import { Sentinels } from "../../packages/server/src/broker/sentinels.ts";
import { systemClock } from "../../packages/server/src/clock.ts";
import { runCli } from "../../packages/server/src/cli/test-support.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { PRIMARY_NAME, startWatchedRedis, type WatchedRedis } from "../support/sentinels.ts";
import type { TestClient } from "../support/test-client.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";

setDefaultTimeout(120_000);

const API_KEY = "key-of-the-failover-tests-0123456789";

/** The settings that lose no acknowledged update: a primary that no replica follows takes no writes. */
const SAFE = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "2"];

/** A relay that gives a silent Redis up in 0.6 s, sooner than the Sentinels do. */
function startFollower(redis: WatchedRedis): Promise<TestRelay> {
  const [first] = redis.servers;
  if (first === undefined) throw new Error("unreachable");
  return startTestRelay({
    redis: first,
    settings: {
      // Port 1 proves that what the URL says of host and port is not used.
      redis_url: "redis://127.0.0.1:1",
      redis_sentinels: redis.urls,
      history: true,
      redis_timeout: 500,
      probe_interval: 100,
      api_key: API_KEY,
    },
  });
}

function connectAnn(relay: TestRelay): Promise<TestClient> {
  return relay.connect("ann", { protocols: ["tidings.v1"] });
}

const update = (n: number): Record<string, unknown> => ({ target_user_id: "ann", type: "t", payload: n });

async function isPosted(relay: TestRelay, n: number): Promise<boolean> {
  const init = {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(update(n)),
  };
  return (await relay.http("/v1/publish", init)).status === 202;
}

/** The payloads that a server has in the log. */
async function stored(server: RedisServer): Promise<ReadonlySet<number>> {
  // A log that has no update yet is no stream.
  const text = await server.cli("XRANGE", "tidings:{ann}:log", "-", "+").catch(() => "");
  return new Set(Array.from(text.matchAll(/"payload":(\d+)/g), ([, n]) => Number(n)));
}

test("fault.failover.primary-killed: a relay follows Sentinels, of which two may be away, to the replica that takes over, and clients are told of the new epoch", async () => {
  await using redis = await startWatchedRedis({ args: SAFE });
  await using relay = await startFollower(redis);
  const [first] = redis.servers;
  if (first === undefined) throw new Error("unreachable");
  const away = "redis://127.0.0.1:1";
  const [one = ""] = redis.urls;
  expect(await ask([one, away, away])).toBe(first.port);
  expect(await ask([one], "nobody")).toContain('knows the primary "nobody"');
  const client = await connectAnn(relay);
  expect(await isPosted(relay, 1)).toBe(true);
  await client.frame("t");
  await first.kill("SIGKILL");
  await eventually("the relay is not ready", () => !relay.relay.brokerHealth().ok);
  await redis.successorOf(first);
  await relay.ready();
  await eventually("an update is taken", () => isPosted(relay, 2), 20_000);
  await eventually("it arrives", () => client.frames.some(({ payload }) => payload === 2));
  expect((await client.frame("tidings.gap")).payload).toMatchObject({ reason: "epoch_changed" });
  expect(client.closeEvent).toBeNull();
});

test("fault.failover.primary-returns-stale: nothing that a relay acknowledged is lost when a hung primary was replaced and comes back", async () => {
  await using redis = await startWatchedRedis({ args: SAFE });
  await using relay = await startFollower(redis);
  const [first] = redis.servers;
  if (first === undefined) throw new Error("unreachable");
  await using worker = await stubbornWorker(first);
  const [posted, direct] = await hangAndReturn(redis, relay, [(n) => isPosted(relay, n), worker.publish]);
  expect(posted).toEqual([]);
  // What was on its way when the primary hung is read and acknowledged before it sees that its replicas are gone.
  expect(direct?.length).toBeLessThanOrEqual(1);
  // It lost nothing because it was asked and refused, not because nobody asked.
  expect(worker.refusals.filter((reason) => reason.startsWith("NOREPLICAS")).length).toBeGreaterThan(0);
});

test("fault.failover.stock-settings: with the stock settings a hung primary that comes back acknowledges updates that its successor never gets", async () => {
  await using redis = await startWatchedRedis();
  const [first, ...replicas] = redis.servers;
  if (first === undefined) throw new Error("unreachable");
  await using relay = await startFollower(redis);
  await using worker = await stubbornWorker(first);
  expect(await worker.publish(1)).toBe(true);
  await eventually("the replicas have the first", async () => {
    const copies = await Promise.all(replicas.map(stored));
    return copies.every((copy) => copy.has(1));
  });
  await first.kill("SIGSTOP");
  const successor = await redis.successorOf(first);
  redis.signal("SIGSTOP");
  await first.kill("SIGCONT");
  expect(await worker.publish(2)).toBe(true);
  expect([...(await stored(successor))]).toEqual([1]);
  redis.signal("SIGCONT");
  await relay.ready();
});

test("fault.failover.replica: a replica is refused as Redis, and a primary that became one is left", async () => {
  await using primary = await startRedis();
  await using server = await startRedis();
  await using relay = await startTestRelay({ redis: server, settings: { history: false } });
  await server.cli("REPLICAOF", "127.0.0.1", String(primary.port));
  await eventually("the relay says that it is on a replica", () => {
    const health = relay.relay.brokerHealth();
    return (
      !health.ok && health.reason === "this Redis is a replica, and a relay needs the primary (READONLY)"
    );
  });
  const environment = { TIDINGS_REDIS_URL: server.url, TIDINGS_INSECURE_USER_ID: "true", TIDINGS_PORT: "0" };
  const { status, out } = await runCli(["doctor"], environment);
  expect([status, out]).toEqual([1, expect.stringContaining("redis role: it is a replica")]);
  await server.cli("REPLICAOF", "NO", "ONE");
  await relay.ready();
});

/** The port that Sentinels name, or why they name none. */
async function ask(urls: readonly string[], name: string = PRIMARY_NAME): Promise<number | string> {
  const sentinels = new Sentinels({ urls, name, timeoutMs: 2_000, clock: systemClock });
  return sentinels.primary(parseRedisUrl("redis://127.0.0.1:2")).then(
    ({ port }) => port,
    (error: unknown) => String(error),
  );
}

/** For how long the primary that came back is published to, since the Sentinels are slow to demote it. */
const STALE_MS = 1_500;

/**
 * Publishes all the while that the primary hangs, is replaced and comes back. Returns for each publisher what was
 * acknowledged to it, is not in the log, and never reached a client that was connected all the while.
 */
async function hangAndReturn(
  redis: WatchedRedis,
  relay: TestRelay,
  publishers: readonly ((n: number) => Promise<boolean>)[],
): Promise<readonly (readonly number[])[]> {
  const [first] = redis.servers;
  if (first === undefined) throw new Error("unreachable");
  const client = await connectAnn(relay);
  const acknowledged = publishers.map(() => new Set<number>());
  let isOver = false;
  const publishing = publishers.map(async (publish, index) => {
    for (let n = index; !isOver; n += publishers.length) {
      if (await publish(n)) acknowledged[index]?.add(n);
      await Bun.sleep(5);
    }
  });
  await eventually("updates are taken", () => acknowledged.every(({ size }) => size > 20));
  await first.kill("SIGSTOP");
  const successor = await redis.successorOf(first);
  redis.signal("SIGSTOP");
  await first.kill("SIGCONT");
  await Bun.sleep(STALE_MS);
  redis.signal("SIGCONT");
  isOver = true;
  await Promise.all(publishing);
  await relay.ready();
  const kept = await stored(successor);
  const received = new Set(client.frames.map(({ payload }) => payload));
  return acknowledged.map((own) => [...own].filter((n) => !kept.has(n) && !received.has(n)));
}

interface StubbornWorker extends AsyncDisposable {
  readonly publish: (n: number) => Promise<boolean>;
  /** What the server said whenever it did not take an update. */
  readonly refusals: readonly string[];
}

/** A worker that stays with one server, whatever becomes of it. */
async function stubbornWorker(server: RedisServer): Promise<StubbornWorker> {
  const client = createClient({ url: server.url, disableOfflineQueue: true });
  client.on("error", () => {});
  await client.connect();
  const refusals: string[] = [];
  return {
    refusals,
    publish: (n) =>
      client
        .sendCommand(["FCALL", "tidings_publish", "1", "tidings:{ann}:log", JSON.stringify(update(n))])
        .then(
          () => true,
          (error: unknown) => {
            refusals.push(error instanceof Error ? error.message : String(error));
            return false;
          },
        ),
    [Symbol.asyncDispose]: async () => client.destroy(),
  };
}
