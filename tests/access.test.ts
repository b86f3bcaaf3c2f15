import { describe, expect, test } from "bun:test";
import { SignJWT } from "jose";
import { eventually } from "./support/eventually.ts";
import { TestClient } from "./support/test-client.ts";
import { startTestRelay } from "./support/test-relay.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

function tokenFor(userId: string, seconds = 3_600): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(userId)
    .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
    .sign(new TextEncoder().encode(SECRET));
}

const tidings = { protocols: ["tidings.v1"] };

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
    const ack = await client.frame("tidings.ack");
    expect(ack).toEqual({ type: "tidings.ack", id: "r1", payload: { expires_in_ms: expect.any(Number) } });
    const { expires_in_ms: left } = ack.payload as { expires_in_ms: number };
    expect(left).toBeWithin(3_500_000, 3_600_001);
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
