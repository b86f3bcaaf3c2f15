import { describe, expect, test } from "bun:test";
import { createClient } from "@redis/client";
import { SignJWT } from "jose";
import { eventually } from "./support/eventually.ts";
import type { TestRelay } from "./support/test-relay.ts";
import { startTestRelay } from "./support/test-relay.ts";
import { TestClient } from "./support/test-client.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

function tokenFor(userId: string, seconds = 3_600): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(userId)
    .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
    .sign(new TextEncoder().encode(SECRET));
}

/** Collects what the relay publishes for workers. */
async function listenAsWorker(relay: TestRelay): Promise<{ messages: string[] } & AsyncDisposable> {
  const worker = createClient({ url: relay.redis.url });
  await worker.connect();
  const messages: string[] = [];
  await worker.subscribe("inbound", (message) => void messages.push(message));
  return { messages, [Symbol.asyncDispose]: async () => worker.destroy() };
}

const tidings = { protocols: ["tidings.v1"] };

describe("a plain client", () => {
  test("receives updates and nothing else, and speaks no subprotocol", async () => {
    await using relay = await startTestRelay();
    const client = await relay.connect("alice");
    client.send({ type: "tidings.ping" });
    client.send({ type: "question", id: "1", payload: 1 });
    await relay.publish({ target_user_id: "alice", type: "t", payload: 1 });
    expect(await client.received(1)).toEqual([{ type: "t", payload: 1 }]);
    expect(client.protocol).toBe("");
  });
});

describe("a Tidings client", () => {
  test("is welcomed with who it is and what the relay expects", async () => {
    await using relay = await startTestRelay();
    const client = await relay.connect("alice", tidings);
    expect(client.protocol).toBe("tidings.v1");
    const [welcome] = await client.received(1);
    expect(welcome).toEqual({
      type: "tidings.welcome",
      payload: {
        connection_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        user_id: "alice",
        expires_in_ms: null,
        heartbeat: { interval_ms: 25_000, timeout_ms: 10_000 },
        limits: { max_message_bytes: 65_536, messages_per_second: 20, message_burst: 60 },
      },
    });
  });

  test("gets a pong for its ping", async () => {
    await using relay = await startTestRelay();
    const client = await relay.connect("alice", tidings);
    client.send({ type: "tidings.ping", id: "p1" });
    expect(await client.frame("tidings.pong")).toEqual({ type: "tidings.pong", id: "p1" });
  });

  test("is told of a type that the relay does not know, and stays", async () => {
    await using relay = await startTestRelay();
    const client = await relay.connect("alice", tidings);
    client.send({ type: "tidings.nonsense", id: "x" });
    expect(await client.frame("tidings.error")).toMatchObject({ id: "x", payload: { code: "unknown_type" } });
    client.send({ type: "tidings.ping" });
    await client.frame("tidings.pong");
  });
});

describe("a client's message", () => {
  test("reaches workers with the user of the token, and is acknowledged", async () => {
    await using relay = await startTestRelay();
    await using worker = await listenAsWorker(relay);
    const client = await relay.connect("alice", tidings);
    const [welcome] = await client.received(1);
    client.send('{"id":"m1","type":"ask","user_id":"mallory","payload":{"n":1e400, "q":"why?"}}');
    expect(await client.frame("tidings.ack")).toEqual({ type: "tidings.ack", id: "m1" });
    await eventually("the worker hears it", () => worker.messages.length === 1);
    const [text = ""] = worker.messages;
    expect(text).toContain('"payload":{"n":1e400, "q":"why?"}');
    const { received_at: receivedAt, ...message } = JSON.parse(text) as Record<string, unknown>;
    expect(message).toMatchObject({ user_id: "alice", type: "ask" });
    expect(welcome?.payload).toMatchObject({ connection_id: message["connection_id"] });
    expect(Math.abs(Date.parse(String(receivedAt)) - Date.now())).toBeLessThan(60_000);
    expect(Object.keys(message).toSorted()).toEqual(["connection_id", "payload", "type", "user_id"]);
  });

  test("is refused, not lost in silence, where the relay takes none", async () => {
    await using relay = await startTestRelay({ settings: { inbound: false } });
    const client = await relay.connect("alice", tidings);
    client.send({ type: "ask", id: "m1" });
    expect(await client.frame("tidings.error")).toMatchObject({ id: "m1", payload: { code: "inbound_off" } });
    expect(await relay.metric('tidings_messages_total{result="refused"}')).toBe(1);
  });

  test("is answered with an error while Redis cannot take it", async () => {
    await using relay = await startTestRelay();
    const client = await relay.connect("alice", tidings);
    await relay.redis.kill("SIGKILL");
    await eventually("the relay noticed", () => !relay.relay.brokerHealth().ok);
    client.send({ type: "ask", id: "m1" });
    expect(await client.frame("tidings.error")).toMatchObject({ id: "m1", payload: { code: "unavailable" } });
  });

  for (const [name, message] of [
    ["text that is not JSON", "hello"],
    ["an array", "[]"],
    ["an object without a type", "{}"],
    ["a number as type", '{"type":1}'],
    ["a number as id", '{"type":"a","id":1}'],
    ["a binary message", new Uint8Array([1, 2, 3])],
  ] as const) {
    test(`closes the connection with 4400 where it is ${name}`, async () => {
      await using relay = await startTestRelay();
      const client = await relay.connect("alice", tidings);
      const plain = await relay.connect("alice");
      client.send(message);
      plain.send(message);
      expect((await client.closed()).code).toBe(4400);
      expect((await plain.closed()).code).toBe(4400);
      expect(await client.frame("tidings.closing")).toMatchObject({
        payload: { code: 4400, come_back: "never" },
      });
    });
  }

  test("over the size limit closes the connection with 1009, and one of just that size does not", async () => {
    await using relay = await startTestRelay({ settings: { max_message_bytes: 1_024 } });
    const client = await relay.connect("alice", tidings);
    const exact = (size: number): string => {
      const frame = { type: "ask", id: "m1", payload: "" };
      return JSON.stringify({ ...frame, payload: "x".repeat(size - JSON.stringify(frame).length) });
    };
    client.send(exact(1_024));
    await client.frame("tidings.ack");
    client.send(exact(1_025));
    expect((await client.closed()).code).toBe(1009);
    expect(await client.frame("tidings.closing")).toMatchObject({
      payload: { code: 1009, come_back: "never" },
    });
    const huge = await relay.connect("alice");
    huge.send(exact(200_000));
    expect((await huge.closed()).code).toBe(1009);
    expect(await relay.metric('tidings_closes_total{code="1009"}')).toBe(1);
    expect(await relay.metric('tidings_closes_total{code="protocol"}')).toBe(1);
  });

  test("beyond the rate closes the connection with 4429 and says when to come back", async () => {
    await using relay = await startTestRelay({ settings: { message_rate: 1, message_burst: 5 } });
    const client = await relay.connect("alice", tidings);
    for (let n = 0; n < 7; n += 1) client.send({ type: "ask", id: String(n) });
    expect((await client.closed()).code).toBe(4429);
    expect(await client.frame("tidings.closing")).toMatchObject({
      payload: { code: 4429, come_back: "later", retry_after_ms: 1_000 },
    });
  });
});

describe("a token", () => {
  const settings = { jwt_secret: SECRET, insecure_user_id: false };

  test("lets its user in as subprotocol, header, cookie or query, and is never echoed", async () => {
    await using relay = await startTestRelay({
      settings: { ...settings, token_cookie: "session", query_token: true },
    });
    const token = await tokenFor("alice");
    const ways = [
      { protocols: ["tidings.v1", `tidings.token.${token}`] },
      { headers: { authorization: `Bearer ${token}` } },
      { headers: { cookie: `theme=dark; session=${token}` } },
      { url: `${relay.url}/ws?token=${token}` },
    ];
    for (const way of ways) {
      const client = await relay.connect("alice", { url: `${relay.url}/ws`, ...way });
      expect(client.protocol).toBe(way.protocols === undefined ? "" : "tidings.v1");
    }
    expect(relay.relay.hub.clientsOf("alice").length).toBe(ways.length);
    expect(relay.log.join("\n")).not.toContain(token);
  });

  test("that is missing or wrong is answered with 401 to a plain client", async () => {
    await using relay = await startTestRelay({ settings });
    const handshake = {
      upgrade: "websocket",
      connection: "Upgrade",
      "sec-websocket-version": "13",
      "sec-websocket-key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    };
    for (const extra of [{}, { authorization: "Bearer nonsense" }]) {
      const response = await relay.http("/ws", { headers: { ...handshake, ...extra } });
      expect(response.status).toBe(401);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(response.headers.get("www-authenticate")).toStartWith("Bearer");
    }
  });

  test("that is wrong is told to a Tidings client on an open socket, which is closed with 4401", async () => {
    await using relay = await startTestRelay({ settings });
    const client = await relay.connect("alice", {
      url: `${relay.url}/ws`,
      protocols: ["tidings.v1", "tidings.token.nonsense"],
    });
    expect((await client.closed()).code).toBe(4401);
    expect(client.frames.map((frame) => frame.type)).toEqual(["tidings.error", "tidings.closing"]);
    expect(client.frames[1]).toMatchObject({ payload: { code: 4401, come_back: "new_token" } });
    expect(relay.relay.hub.connections).toBe(0);
    expect(await relay.metric('tidings_handshakes_total{result="token_refused"}')).toBe(1);
    expect(await relay.metric('tidings_closes_total{code="4401"}')).toBe(1);
  });

  test("that runs out closes the connection with 4401", async () => {
    await using relay = await startTestRelay({ settings });
    const token = await tokenFor("alice", 2);
    const client = await relay.connect("alice", {
      url: `${relay.url}/ws`,
      protocols: ["tidings.v1", `tidings.token.${token}`],
    });
    expect((await client.frame("tidings.welcome")).payload).toMatchObject({
      expires_in_ms: expect.any(Number),
    });
    expect(await client.closed()).toEqual({ code: 4401, reason: "the token expired" });
  });

  test("sent anew on the open socket keeps the connection", async () => {
    await using relay = await startTestRelay({ settings });
    const client = await relay.connect("alice", {
      url: `${relay.url}/ws`,
      protocols: ["tidings.v1", `tidings.token.${await tokenFor("alice", 2)}`],
    });
    const witness = await relay.connect("alice", {
      url: `${relay.url}/ws`,
      protocols: ["tidings.v1", `tidings.token.${await tokenFor("alice", 2)}`],
    });
    client.send({ type: "tidings.token", id: "r1", payload: { token: await tokenFor("alice") } });
    expect(await client.frame("tidings.ack")).toEqual({ type: "tidings.ack", id: "r1" });
    await witness.closed();
    client.send({ type: "tidings.ping", id: "still here" });
    await client.frame("tidings.pong");
    expect(client.closeEvent).toBeNull();
  });

  test("of another user or a wrong one, sent anew, closes the connection with 4401", async () => {
    await using relay = await startTestRelay({ settings });
    for (const token of [await tokenFor("bob"), "nonsense"]) {
      const client = await relay.connect("alice", {
        url: `${relay.url}/ws`,
        protocols: ["tidings.v1", `tidings.token.${await tokenFor("alice")}`],
      });
      client.send({ type: "tidings.token", payload: { token } });
      expect((await client.closed()).code).toBe(4401);
      expect(await client.frame("tidings.error")).toMatchObject({ payload: { code: "token_refused" } });
    }
  });
});

describe("a user at the cap of connections", () => {
  test("loses the oldest one to the newest, with 4409", async () => {
    await using relay = await startTestRelay({ settings: { max_connections_per_user: 2 } });
    const first = await relay.connect("alice", tidings);
    const second = await relay.connect("alice");
    const third = await TestClient.open({ url: `${relay.url}/ws?user_id=alice` });
    expect((await first.closed()).code).toBe(4409);
    await relay.publish({ target_user_id: "alice", type: "t", payload: 1 });
    await Promise.all([second.received(1), third.received(1)]);
    expect(relay.relay.hub.clientsOf("alice").length).toBe(2);
    third.close();
  });

  test("loses none to a handshake that fails", async () => {
    await using relay = await startTestRelay({ settings: { max_connections_per_user: 1 } });
    const client = await relay.connect("alice");
    const broken = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-version": "13" };
    const response = await relay.http("/ws?user_id=alice", { headers: broken });
    expect(response.status).toBe(400);
    await relay.publish({ target_user_id: "alice", type: "t", payload: 1 });
    await client.received(1);
    expect(client.closeEvent).toBeNull();
  });

  test("is refused the newest one with 429 where the oldest wins", async () => {
    await using relay = await startTestRelay({
      settings: { max_connections_per_user: 1, user_limit_policy: "oldest" },
    });
    const first = await relay.connect("alice");
    expect(relay.connect("alice")).rejects.toThrow("refused");
    expect(first.closeEvent).toBeNull();
    expect(relay.relay.hub.clientsOf("alice").length).toBe(1);
  });
});

test("a full relay refuses with 503, and takes the next as soon as one has left", async () => {
  await using relay = await startTestRelay({ settings: { max_connections: 2 } });
  const first = await relay.connect("a");
  await relay.connect("b");
  expect(relay.connect("c")).rejects.toThrow("refused");
  first.close();
  await eventually("the first is gone", () => relay.relay.hub.connections === 1);
  await relay.connect("c");
  expect(await relay.metric('tidings_handshakes_total{result="relay_full"}')).toBe(1);
});

test("an address at its cap is refused with 429 before its token is looked at", async () => {
  await using relay = await startTestRelay({ settings: { max_connections_per_address: 2 } });
  await relay.connect("a");
  await relay.connect("b");
  expect(relay.connect("c")).rejects.toThrow("refused");
  await eventually(
    "it is counted",
    async () => (await relay.metric('tidings_handshakes_total{result="address_full"}')) === 1,
  );
});

test("a page of a foreign origin is refused with 403; the own one and allowed ones connect", async () => {
  await using relay = await startTestRelay({ settings: { allowed_origins: ["https://*.example.com"] } });
  await relay.connect("a", { url: `${relay.url}/ws?user_id=a`, headers: { origin: relay.url } });
  await relay.connect("b", {
    url: `${relay.url}/ws?user_id=b`,
    headers: { origin: "https://app.example.com" },
  });
  for (const origin of ["https://evil.test", "null", "https://app.example.com.evil.test"]) {
    const url = `${relay.url}/ws?user_id=c`;
    expect(relay.connect("c", { url, headers: { origin } })).rejects.toThrow("refused");
  }
});
