import { describe, expect, test } from "bun:test";
import { createTicket } from "../packages/client/src/server/ticket.ts";
import { eventually } from "./support/eventually.ts";
import { startRedis } from "./support/redis-server.ts";
import type { TestClient } from "./support/test-client.ts";
import { startTestRelay, type TestRelay } from "./support/test-relay.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

const settings = { jwt_secret: SECRET, insecure_user_id: false };

function ticketFor(user: string): Promise<string> {
  return createTicket({ user, secret: SECRET });
}

/** Connects as the SDK does. */
function come(relay: TestRelay, ticket: string, user = "alice"): Promise<TestClient> {
  return relay.connect(user, {
    url: `${relay.url}/ws`,
    protocols: ["tidings.v1", `tidings.token.${ticket}`],
  });
}

describe("a ticket of the SDK", () => {
  test("lets its user in once, for longer than it holds itself", async () => {
    await using relay = await startTestRelay({ settings });
    const ticket = await ticketFor("alice");
    const client = await come(relay, ticket);
    const welcome = await client.frame("tidings.welcome");
    expect(welcome.payload).toMatchObject({ user_id: "alice" });
    const { expires_in_ms: left } = welcome.payload as { expires_in_ms: number };
    expect(left).toBeGreaterThan(600_000);
    const again = await come(relay, ticket);
    expect((await again.closed()).code).toBe(4401);
    expect(again.frames).toMatchObject([
      { type: "tidings.error", payload: { code: "token_refused", message: expect.stringContaining("used") } },
      { type: "tidings.closing", payload: { code: 4401, come_back: "new_token" } },
    ]);
    expect(client.closeEvent).toBeNull();
    expect(await relay.metric('tidings_handshakes_total{result="ticket_used"}')).toBe(1);
    expect(relay.log.join("\n")).not.toContain(ticket);
  });

  test("that two relays are shown at once lets in at exactly one", async () => {
    await using redis = await startRedis();
    await using one = await startTestRelay({ settings, redis });
    await using two = await startTestRelay({ settings, redis });
    for (let round = 0; round < 10; round += 1) {
      const user = `alice-${round}`;
      const ticket = await ticketFor(user);
      const clients = await Promise.all([come(one, ticket, user), come(two, ticket, user)]);
      const told = await Promise.all(clients.map((client) => firstWord(client)));
      expect(told.toSorted()).toEqual(["tidings.error", "tidings.welcome"]);
      for (const client of clients) client.close();
    }
  });

  test("opens a stream once, and is answered with 401 after that", async () => {
    await using relay = await startTestRelay({ settings });
    const headers = { authorization: `Bearer ${await ticketFor("alice")}` };
    const leave = new AbortController();
    const stream = await relay.http("/v1/stream", { headers, signal: leave.signal });
    expect(stream.status).toBe(200);
    const again = await relay.http("/v1/stream", { headers });
    expect(again.status).toBe(401);
    expect(await again.json()).toMatchObject({ type: "urn:tidings:problem:ticket_used" });
    leave.abort();
  });

  test("sent on the open socket keeps the connection, and a used one ends it", async () => {
    await using relay = await startTestRelay({ settings });
    const client = await come(relay, await ticketFor("alice"));
    const next = await ticketFor("alice");
    client.send({ type: "tidings.token", id: "1", payload: { token: next } });
    await client.frame("tidings.ack");
    client.send({ type: "tidings.token", id: "2", payload: { token: next } });
    expect((await client.closed()).code).toBe(4401);
  });

  test("is not let in while Redis cannot be asked, and comes back later", async () => {
    const redis = await startRedis();
    await using relay = await startTestRelay({ settings: { ...settings, redis_timeout: 500 }, redis });
    await redis[Symbol.asyncDispose]();
    await eventually("Redis is gone", () => !relay.relay.brokerHealth().ok);
    const client = await come(relay, await ticketFor("alice"));
    expect((await client.closed()).code).toBe(1013);
    expect(client.frames).toMatchObject([
      { type: "tidings.error", payload: { code: "unavailable" } },
      { type: "tidings.closing", payload: { come_back: "later", retry_after_ms: expect.any(Number) } },
    ]);
    const headers = { authorization: `Bearer ${await ticketFor("alice")}` };
    const stream = await relay.http("/v1/stream", { headers });
    expect([stream.status, stream.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await stream.json()).toMatchObject({ type: "urn:tidings:problem:token_undecided" });
    expect(await relay.metric('tidings_handshakes_total{result="token_undecided"}')).toBe(2);
  });

  test("works with the embedded broker", async () => {
    await using relay = await startTestRelay({ settings, broker: "embedded" });
    const ticket = await ticketFor("alice");
    expect(await firstWord(await come(relay, ticket))).toBe("tidings.welcome");
    expect(await firstWord(await come(relay, ticket))).toBe("tidings.error");
  });
});

async function firstWord(client: TestClient): Promise<string> {
  await eventually("the relay said something", () => client.frames.length > 0);
  return client.frames[0]?.type ?? "";
}
