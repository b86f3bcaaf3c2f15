import { describe, expect, test } from "bun:test";
import { freePort } from "./support/redis-server.ts";
import { eventually } from "./support/eventually.ts";
import { startTestRelay } from "./support/test-relay.ts";
import { RawStream, TestStream } from "./support/test-stream.ts";

const CHUNK = "x".repeat(16_384);

describe("a stream of server-sent events", () => {
  test("brings the welcome and then what a WebSocket gets, in order, in answers that nobody keeps or collects", async () => {
    await using relay = await startTestRelay();
    using stream = await TestStream.open(`${relay.url}/v1/stream?user_id=ann`);
    const socket = await relay.connect("ann");
    const { headers } = stream.response;
    expect(headers.get("content-type")).toBe("text/event-stream");
    expect(headers.get("cache-control")).toBe("no-cache, no-transform");
    expect(headers.get("x-accel-buffering")).toBe("no");
    expect(headers.get("content-encoding")).toBeNull();
    expect(await stream.frame("tidings.welcome")).toMatchObject({
      payload: { user_id: "ann", heartbeat: { interval_ms: 15_000 } },
    });
    for (let n = 0; n < 100; n += 1) {
      await relay.publishRaw(
        `{"target_user_id":"${n % 2 ? "ann" : "*"}",\r\n "type":"t",\n"payload":[${n},"é😀"]}`,
      );
    }
    await socket.received(100);
    expect(await stream.received(100)).toEqual(socket.frames);
    expect(stream.parser.events.every(({ lastEventId }) => lastEventId === "")).toBe(true);
    expect(stream.parser.retry).toBeWithin(1_000, 2_000);
  });

  test("is a connection of its user: counted, closed by an operator, and told why", async () => {
    await using relay = await startTestRelay({ settings: { api_key: "key" } });
    using stream = await TestStream.open(`${relay.url}/v1/stream?user_id=ann`);
    await relay.connect("ann");
    const headers = { authorization: "Bearer key" };
    const asked = await relay.http("/v1/users/ann", { headers });
    expect(await asked.json()).toMatchObject({ connections: 2 });
    expect(await relay.metric("tidings_connections")).toBe(2);
    await relay.http("/v1/users/ann/connections", { method: "DELETE", headers });
    await stream.ended();
    expect(await stream.frame("tidings.closing")).toMatchObject({
      payload: { code: 4403, come_back: "never" },
    });
    expect(stream.parser.retry).toBe(3_600_000);
    expect(await relay.metric('tidings_closes_total{code="4403"}')).toBe(2);
    expect(await relay.metric('tidings_handshakes_total{result="accepted"}')).toBe(2);
  });

  test("leaves the relay when its reader does", async () => {
    await using relay = await startTestRelay();
    const stream = await TestStream.open(`${relay.url}/v1/stream?user_id=ann`);
    await stream.frame("tidings.welcome");
    expect(relay.relay.hub.connections).toBe(1);
    stream[Symbol.dispose]();
    await eventually("it is gone", () => relay.relay.hub.connections === 0);
    expect(await relay.metric('tidings_closes_total{code="client"}')).toBe(1);
  });

  test("shows that it lives while nothing is said", async () => {
    await using relay = await startTestRelay({ settings: { heartbeat_interval: 1_000 } });
    using stream = await TestStream.open(`${relay.url}/v1/stream?user_id=ann`);
    await eventually("three beats came", () => stream.parser.comments >= 3);
    expect(stream.frames.map(({ type }) => type)).toEqual(["tidings.welcome"]);
  });

  test("that a relay drains is told when to come back, and newcomers get 503", async () => {
    const window = 1_000;
    await using relay = await startTestRelay({ settings: { drain_window: window, drain_deadline: 5_000 } });
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => TestStream.open(`${relay.url}/v1/stream?user_id=ann`)),
    );
    const drained = relay.relay.drain();
    const late = await relay.http("/v1/stream?user_id=late");
    expect(late.status).toBe(503);
    expect(late.headers.get("retry-after")).toBe("5");
    await drained;
    const advice = new Set<number | null>();
    for (const stream of streams) {
      await stream.ended();
      const retry = stream.parser.retry ?? -1;
      expect(retry).toBeWithin(0, window);
      advice.add(retry);
      expect(stream.frames.at(-1)).toMatchObject({
        type: "tidings.closing",
        payload: { code: 1001, come_back: "later", retry_after_ms: retry },
      });
    }
    expect(advice.size).toBeGreaterThan(10);
  });

  test("speaks HTTP/1.0 to who does, as many proxies do: no chunks, and the end is the connection's", async () => {
    await using relay = await startTestRelay({ settings: { api_key: "key" } });
    const stream = await RawStream.open(relay.relay.port, "/v1/stream?user_id=ann", { version: "1.0" });
    await eventually("the welcome came", () => stream.tail.includes("tidings.welcome"));
    expect(stream.tail).not.toContain("chunked");
    expect(stream.tail).toMatch(/\r\n\r\nretry: \d+\n\ndata: {"type":"tidings.welcome".*}\n\n$/s);
    relay.relay.hub.clientsOf("ann")[0]?.close("forbidden");
    await eventually("it ends", () => stream.isClosed);
    expect(stream.tail).toEndWith('"come_back":"never"}}\n\n');
  });

  test("stays on the public port where there is an internal one", async () => {
    const internal = await freePort();
    await using relay = await startTestRelay({ settings: { internal_port: internal } });
    using stream = await TestStream.open(`${relay.url}/v1/stream?user_id=ann`);
    expect(await stream.frame("tidings.welcome")).toBeDefined();
    const inner = await fetch(`http://127.0.0.1:${internal}/v1/stream?user_id=ann`);
    expect(inner.status).toBe(404);
  });

  test("answers HEAD as GET without taking a place, and refuses what it does not know", async () => {
    await using relay = await startTestRelay();
    const head = await relay.http("/v1/stream?user_id=ann", { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(head.headers.get("content-type")).toBe("text/event-stream");
    expect(relay.relay.hub.connections).toBe(0);
    const post = await relay.http("/v1/stream?user_id=ann", { method: "POST" });
    expect(post.status).toBe(405);
    expect(post.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  });
});

describe("a stream that nobody reads", () => {
  test("is ended at its byte limit, its last event says why, and a neighbour loses nothing", async () => {
    await using relay = await startTestRelay({ settings: { client_buffer_bytes: 262_144 } });
    const slow = await RawStream.open(relay.relay.port, "/v1/stream?user_id=slow", { reads: false });
    using neighbour = await TestStream.open(`${relay.url}/v1/stream?user_id=neighbour`);
    let sent = 0;
    await eventually("the slow one is given up", async () => {
      await relay.publish({ target_user_id: "slow", type: "t", payload: CHUNK });
      await relay.publish({ target_user_id: "neighbour", type: "t", payload: sent });
      sent += 1;
      return relay.relay.hub.clientsOf("slow").length === 0;
    });
    const frames = await neighbour.received(sent);
    expect(frames.map((frame) => frame.payload)).toEqual(Array.from({ length: sent }, (_, n) => n));
    expect(await relay.metric('tidings_closes_total{code="4480"}')).toBe(1);
    const highest = await relay.metric("tidings_outbox_high_water_bytes");
    expect(highest).toBeGreaterThan(262_144);
    expect(highest).toBeLessThan(262_144 + 2 * CHUNK.length);
    expect(await relay.metric("tidings_frames_dropped_total")).toBeGreaterThan(0);
    slow.socket.resume();
    await eventually("the slow one reads why", () => slow.isClosed);
    expect(slow.tail).toContain('"code":4480');
  });

  test("is cut some seconds after it was ended, so that its memory and its place are free", async () => {
    await using relay = await startTestRelay({
      settings: { client_buffer_bytes: 65_536, max_connections: 1 },
    });
    const slow = await RawStream.open(relay.relay.port, "/v1/stream?user_id=slow", { reads: false });
    await eventually("the slow one is given up", async () => {
      await relay.publish({ target_user_id: "slow", type: "t", payload: CHUNK });
      return relay.relay.hub.connections === 0;
    });
    expect((await relay.http("/v1/stream?user_id=next")).status).toBe(503);
    await eventually(
      "its place is free",
      async () => (await relay.http("/v1/stream?user_id=next", { method: "HEAD" })).status === 200,
    );
    slow.socket.resume();
    await eventually("it was cut", () => slow.isClosed);
    expect(slow.tail).not.toContain("4480");
  });

  test("gets everything in order where it reads on before its limit", async () => {
    await using relay = await startTestRelay({ settings: { client_buffer_bytes: 16 * 1_048_576 } });
    const stream = await RawStream.open(relay.relay.port, "/v1/stream?user_id=slow", { version: "1.0" });
    await eventually("the welcome came", () => stream.tail.includes("tidings.welcome"));
    const before = stream.receivedBytes;
    stream.socket.pause();
    const count = 500;
    for (let n = 0; n < count; n += 1) {
      await relay.publish({ target_user_id: "slow", type: "t", payload: CHUNK });
    }
    const event = `data: ${JSON.stringify({ type: "t", payload: CHUNK })}\n\n`.length;
    stream.socket.resume();
    await eventually("all bytes came", () => stream.receivedBytes === before + count * event);
    stream.socket.destroy();
  });
});

test("one update larger than the client's buffer reaches a stream that is read", async () => {
  await using relay = await startTestRelay({ settings: { client_buffer_bytes: 4_096 } });
  using stream = await TestStream.open(`${relay.url}/v1/stream?user_id=ann`);
  const payload = "y".repeat(900_000);
  await relay.publish({ target_user_id: "ann", type: "t", payload });
  expect(await stream.received(1)).toEqual([{ type: "t", payload }]);
});
