import { describe, expect, test } from "bun:test";
import { createClient } from "@redis/client";
import { eventually } from "./support/eventually.ts";
import type { TestRelay } from "./support/test-relay.ts";
import { startTestRelay } from "./support/test-relay.ts";

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
