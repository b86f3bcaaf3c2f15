import { expect, setDefaultTimeout, test } from "bun:test";
import { SignJWT } from "jose";
import { eventually } from "../support/eventually.ts";
import { fakeTimeLibrary, makeJumpingClock } from "../support/jumping-clock.ts";
import { startTidings, untilReady } from "../support/process.ts";
import { freePort, type RedisServer, startRedis } from "../support/redis-server.ts";
import { TestClient } from "../support/test-client.ts";
import { startTestRelay } from "../support/test-relay.ts";

setDefaultTimeout(60_000);

/** Under CI the tests run, and fail where the library is missing. */
const cannot = fakeTimeLibrary === null && process.env["CI"] !== "true";

const SECRET = "a-secret-that-is-long-enough-for-hs256";
const HOUR_S = 3_600;

function tokenFor(seconds: number): Promise<string> {
  return new SignJWT({ sub: "ann" })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
    .sign(new TextEncoder().encode(SECRET));
}

async function openWith(port: number, token: string): Promise<TestClient> {
  return TestClient.open({
    url: `http://127.0.0.1:${port}/ws`,
    headers: { authorization: `Bearer ${token}` },
  });
}

async function deliver(redis: RedisServer, type: string, clients: readonly TestClient[]): Promise<void> {
  await redis.cli("PUBLISH", "updates", JSON.stringify({ target_user_id: "ann", type, payload: 1 }));
  for (const client of clients) await client.frame(type);
}

test.skipIf(cannot)(
  "fault.clock.relay: when a relay's clock jumps, tokens go with it and nothing else does",
  async () => {
    await using redis = await startRedis();
    await using clock = await makeJumpingClock();
    const port = await freePort();
    await using relay = startTidings(["serve"], {
      ...clock.environment,
      TIDINGS_HOST: "127.0.0.1",
      TIDINGS_PORT: String(port),
      TIDINGS_REDIS_URL: redis.url,
      TIDINGS_JWT_SECRET: SECRET,
      TIDINGS_HEARTBEAT_INTERVAL: "5s",
      TIDINGS_HEARTBEAT_TIMEOUT: "5s",
      TIDINGS_DRAIN_WINDOW: "0s",
    });
    await untilReady(port);
    const long = await openWith(port, await tokenFor(3 * HOUR_S));
    const short = await openWith(port, await tokenFor(HOUR_S / 2));
    await deliver(redis, "before", [long, short]);

    await clock.jump(HOUR_S);
    expect((await short.closed()).code).toBe(4401);
    await deliver(redis, "ahead", [long]);
    const stillValid = await tokenFor(HOUR_S / 2);
    expect(openWith(port, stillValid)).rejects.toThrow("refused");

    await clock.jump(-HOUR_S);
    const late = await openWith(port, await tokenFor(-HOUR_S / 2));
    await deliver(redis, "behind", [long, late]);
    await clock.jump(0);
    expect((await late.closed()).code).toBe(4401);

    await deliver(redis, "after", [long]);
    expect(long.closeEvent).toBeNull();
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toContain("tidings_broker_connections_lost_total 0");
    expect(metrics).not.toContain('tidings_closes_total{code="4408"} 1');
    relay.kill("SIGTERM");
    expect(await relay.exited).toBe(0);
  },
);

test("fault.clock.redis: a log whose newest update is of an hour ahead, as after the clock of Redis went back, goes on", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  const client = await relay.connect("ann", { protocols: ["tidings.v1"] });
  const first = await relay.store({ target_user_id: "ann", type: "t", payload: 1 });
  const ahead = `
    local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
    redis.call('XADD', KEYS[1], '2-' .. (redis.call('TIME')[1] + ${HOUR_S}) * 1000, unpack(newest[2]))`;
  await relay.redis.cli("EVAL", ahead, "1", "tidings:{ann}:log");
  const third = await relay.store({ target_user_id: "ann", type: "t", payload: 3 });
  expect(third).toBe(first.replace(/\.1$/, ".3"));
  await relay.publish({ target_user_id: "ann", type: "t", payload: 4 });
  await eventually("all arrived", () => payloads(client).includes(4));
  expect(client.frames.filter(({ type }) => type === "tidings.gap")).toEqual([]);
  const resumed = await relay.connect("ann", {
    url: `${relay.url}/ws?user_id=ann&since=${first}`,
    protocols: ["tidings.v1"],
  });
  await eventually("what it missed came again", () => payloads(resumed).length === 3);
  expect(payloads(resumed)).toEqual([1, 3, 4]);
});

function payloads(client: TestClient): readonly unknown[] {
  return client.frames.filter(({ type }) => type === "t").map(({ payload }) => payload);
}
