import { describe, expect, test } from "bun:test";
import { eventually } from "./support/eventually.ts";
import { freePort, startRedis } from "./support/redis-server.ts";
import { startTestRelay, type TestRelay } from "./support/test-relay.ts";

const KEY = "an-api-key";
const settings = { api_key: KEY };
const authorized = { authorization: `Bearer ${KEY}` };

function publish(
  relay: TestRelay,
  body: string,
  headers: Record<string, string> = authorized,
): Promise<Response> {
  return relay.http("/v1/publish", { method: "POST", body, headers });
}

describe("POST /v1/publish", () => {
  test("publishes an update byte for byte and answers 202", async () => {
    await using relay = await startTestRelay({ settings });
    const client = await relay.connect("alice");
    const response = await publish(
      relay,
      '{"target_user_id":"alice","type":"t","payload":{"n":1e400, "a":1}}',
    );
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ accepted: 1, updates: [{ target_user_id: "alice" }] });
    await client.received(1);
    expect(client.texts).toEqual(['{"type":"t","payload":{"n":1e400, "a":1}}']);
  });

  test("publishes an array in its order", async () => {
    await using relay = await startTestRelay({ settings });
    const client = await relay.connect("alice");
    const updates = Array.from({ length: 100 }, (_, n) => ({
      target_user_id: "alice",
      type: "t",
      payload: n,
    }));
    const response = await publish(relay, JSON.stringify(updates));
    expect(response.status).toBe(202);
    const frames = await client.received(100);
    expect(frames.map((frame) => frame.payload)).toEqual(updates.map((update) => update.payload));
  });

  test("publishes nothing of an array with a malformed update, and names each one", async () => {
    await using relay = await startTestRelay({ settings });
    const client = await relay.connect("alice");
    const body = [{ target_user_id: "alice", type: "t", payload: 1 }, { type: "t", payload: 2 }, 7];
    const response = await publish(relay, JSON.stringify(body));
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({
      status: 400,
      type: "urn:tidings:problem:malformed_update",
      errors: [
        { index: 1, code: "target_missing" },
        { index: 2, code: "not_object" },
      ],
    });
    await publish(relay, '{"target_user_id":"alice","type":"t","payload":"next"}');
    expect(await client.received(1)).toEqual([{ type: "t", payload: "next" }]);
  });

  for (const [name, body] of [
    ["nothing", ""],
    ["not JSON", "hello"],
    ["an empty array", "[]"],
    ["too many updates", JSON.stringify(Array.from({ length: 1_001 }, () => 0))],
    ["millions of elements", `[${"0,".repeat(3_000_000)}0]`],
  ] as const) {
    test(`answers 400 to ${name}`, async () => {
      await using relay = await startTestRelay({ settings });
      expect((await publish(relay, body)).status).toBe(400);
    });
  }

  test("answers 413 to a body over the limit", async () => {
    await using relay = await startTestRelay({ settings });
    expect((await publish(relay, " ".repeat(8 * 1_048_576 + 1))).status).toBe(413);
  });

  test("answers 401 without the key, 403 where the relay has none, 405 to another method", async () => {
    await using relay = await startTestRelay({ settings });
    const update = '{"target_user_id":"alice","type":"t","payload":1}';
    for (const authorization of ["", "Bearer wrong", `Basic ${KEY}`, `Bearer ${KEY} more`, KEY]) {
      expect((await publish(relay, update, { authorization })).status).toBe(401);
    }
    const got = await relay.http("/v1/publish", { headers: authorized });
    expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
    await using keyless = await startTestRelay();
    expect((await publish(keyless, update)).status).toBe(403);
  });

  test("answers 503 while Redis is away", async () => {
    await using relay = await startTestRelay({ settings });
    await relay.redis.kill("SIGKILL");
    await eventually("the relay noticed", () => !relay.relay.brokerHealth().ok);
    const response = await publish(relay, '{"target_user_id":"alice","type":"t","payload":1}');
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
  });
});

describe("the users of all relays together", () => {
  test("are counted, whatever their names", async () => {
    await using redis = await startRedis();
    await using first = await startTestRelay({ redis, settings });
    await using second = await startTestRelay({ redis, settings });
    const name = "a b/ü*";
    await first.connect(name);
    await first.connect(name);
    await second.connect(name);
    const path = `/v1/users/${encodeURIComponent(name)}`;
    for (const relay of [first, second]) {
      const response = await relay.http(path, { headers: authorized });
      expect([response.status, await response.json()]).toEqual([
        200,
        { user_id: name, connections: 3, relays: 2 },
      ]);
    }
    const nobody = await first.http("/v1/users/nobody", { headers: authorized });
    expect(await nobody.json()).toEqual({ user_id: "nobody", connections: 0, relays: 2 });
  });

  test("are counted right while somebody watches all channels of Redis", async () => {
    await using relay = await startTestRelay({ settings });
    const watcher = Bun.spawn(["redis-cli", "-p", String(relay.redis.port), "psubscribe", "*"], {
      stdout: "ignore",
    });
    await eventually("the watcher watches", async () => (await relay.redis.cli("pubsub", "numpat")) === "1");
    await relay.connect("alice");
    const response = await relay.http("/v1/users/alice", { headers: authorized });
    expect(await response.json()).toEqual({ user_id: "alice", connections: 1, relays: 1 });
    watcher.kill();
    await watcher.exited;
  });

  test("are disconnected everywhere with 4403", async () => {
    await using redis = await startRedis();
    await using first = await startTestRelay({ redis, settings });
    await using second = await startTestRelay({ redis, settings });
    const here = await first.connect("alice");
    const there = await second.connect("alice", { protocols: ["tidings.v1"] });
    const other = await second.connect("bob");
    const response = await first.http("/v1/users/alice/connections", {
      method: "DELETE",
      headers: authorized,
    });
    expect([response.status, await response.json()]).toEqual([
      200,
      { user_id: "alice", closed: 2, relays: 2 },
    ]);
    expect((await here.closed()).code).toBe(4403);
    expect((await there.closed()).code).toBe(4403);
    expect(other.closeEvent).toBeNull();
  });

  test("are nobody's business without the key", async () => {
    await using relay = await startTestRelay({ settings });
    expect((await relay.http("/v1/users/alice")).status).toBe(401);
    expect((await relay.http("/v1/users/alice/connections", { method: "DELETE" })).status).toBe(401);
  });

  test("are told apart from addresses that are none", async () => {
    await using relay = await startTestRelay({ settings });
    for (const [path, status] of [
      ["/v1/users/", 404],
      ["/v1/users/a/b", 404],
      ["/v1/users/%ff", 400],
      ["/v1/users/*", 400],
      ["/v1/users/%00", 400],
      [`/v1/users/${"x".repeat(300)}`, 400],
    ] as const) {
      expect((await relay.http(path, { headers: authorized })).status).toBe(status);
    }
  });
});

describe("the place of a user's updates", () => {
  test("is where a page goes on from: nothing before it is told again, and nothing after it is missed", async () => {
    await using relay = await startTestRelay({ settings: { ...settings, history: true } });
    const update = { target_user_id: "a b/ü", type: "t", payload: 1 };
    await relay.store(update);
    const response = await relay.http(`/v1/users/${encodeURIComponent("a b/ü")}/offset`, {
      headers: authorized,
    });
    expect(response.status).toBe(200);
    const { user_id: user, offset } = (await response.json()) as { user_id: string; offset: string };
    expect([user, offset]).toEqual(["a b/ü", expect.stringMatching(/^\w+\.1,\*\w+\.0$/)]);
    const second = await relay.store({ ...update, payload: 2 });
    const url = `${relay.url}/ws?user_id=${encodeURIComponent("a b/ü")}&since=${encodeURIComponent(offset)}`;
    const client = await relay.connect("a b/ü", { url });
    expect(await client.received(1)).toEqual([{ type: "t", payload: 2, offset: second } as never]);
  });

  test("is null without history, 503 without Redis, and nobody's business without the key", async () => {
    await using plain = await startTestRelay({ settings });
    const answer = await plain.http("/v1/users/alice/offset", { headers: authorized });
    expect(await answer.json()).toEqual({ user_id: "alice", offset: null });
    expect((await plain.http("/v1/users/alice/offset")).status).toBe(401);
    expect((await plain.http("/v1/users/*/offset", { headers: authorized })).status).toBe(400);
    await using relay = await startTestRelay({ settings: { ...settings, history: true } });
    await relay.redis.kill("SIGKILL");
    await eventually("Redis is gone", () => !relay.relay.brokerHealth().ok);
    const unknown = await relay.http("/v1/users/alice/offset", { headers: authorized });
    expect([unknown.status, unknown.headers.get("retry-after")]).toEqual([503, "1"]);
  });
});

describe("health", () => {
  test("is alive whatever Redis does, and ready only while updates arrive", async () => {
    await using relay = await startTestRelay();
    expect((await relay.http("/healthz")).status).toBe(200);
    expect((await relay.http("/readyz")).status).toBe(200);
    await relay.redis.kill("SIGKILL");
    await eventually("it is not ready", async () => (await relay.http("/readyz")).status === 503);
    const unready = await relay.http("/readyz");
    expect(unready.headers.get("content-type")).toBe("application/problem+json");
    expect(((await unready.json()) as { detail: string }).detail.length).toBeGreaterThan(10);
    expect((await relay.http("/healthz")).status).toBe(200);
    await relay.redis.restart();
    await relay.ready();
  });
});

test("metrics are in Prometheus's format and count what happened", async () => {
  await using relay = await startTestRelay();
  const client = await relay.connect("alice");
  await relay.publish({ target_user_id: "alice", type: "t", payload: 1 });
  await relay.publish({ target_user_id: "nobody", type: "t", payload: 1 });
  await client.received(1);
  await eventually(
    "both are counted",
    async () => (await relay.metric('tidings_updates_total{result="no_connection"}')) === 1,
  );
  expect(await relay.metric('tidings_updates_total{result="delivered"}')).toBe(1);
  expect(await relay.metric("tidings_connections")).toBe(1);
  expect(await relay.metric("tidings_users")).toBe(1);
  expect(await relay.metric("tidings_broker_up")).toBe(1);
  expect(await relay.metric("tidings_broker_lag_seconds_count")).toBeGreaterThan(0);
  expect(await relay.metric("tidings_frames_sent_total")).toBe(1);
  client.close();
  await eventually(
    "the close is counted",
    async () => (await relay.metric('tidings_closes_total{code="client"}')) === 1,
  );
});

test("an internal port takes everything but the socket and the liveness check", async () => {
  const port = await freePort();
  await using relay = await startTestRelay({ settings: { ...settings, internal_port: port, port: 0 } });
  const inner = (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: authorized });
  for (const path of ["/readyz", "/metrics", "/v1/users/alice"]) {
    expect((await relay.http(path)).status).toBe(404);
    expect((await inner(path)).status).toBe(200);
  }
  expect((await relay.http("/healthz")).status).toBe(200);
  expect((await inner("/healthz")).status).toBe(200);
  expect((await inner("/ws")).status).toBe(404);
});

test("a second relay on the same port does not start, and says why", async () => {
  await using relay = await startTestRelay();
  const second = startTestRelay({ redis: relay.redis, settings: { port: relay.relay.port } });
  expect(second).rejects.toThrow("the port is in use");
});

test("odd requests get an answer, and the relay lives on", async () => {
  await using relay = await startTestRelay();
  expect((await relay.http("/nothing")).status).toBe(404);
  expect((await relay.http("/ws")).status).toBe(426);
  expect((await relay.http("/ws", { method: "POST" })).status).toBe(426);
  expect((await relay.http("/healthz", { method: "DELETE" })).status).toBe(405);
  for (const target of ["//:0", "/%00", "/..//..", "*", "http://evil/ws"]) {
    const answer = await new Promise<string>((resolve) => {
      void Bun.connect({
        hostname: "127.0.0.1",
        port: relay.relay.port,
        socket: {
          open: (socket) =>
            void socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
          data: (_, bytes) => resolve(bytes.toString()),
          close: () => resolve("closed"),
          error: () => resolve("closed"),
        },
      });
    });
    expect(answer).toMatch(/^(HTTP\/1\.1 4|closed)/);
  }
  expect((await relay.http("/healthz")).status).toBe(200);
});
