import assert from "node:assert/strict";
import { test } from "./support/suite.ts";
import { connectOn } from "../src/connect.ts";
import type { FakeStream } from "./support/fake-stream.ts";
import { TestPlatform, until } from "./support/test-platform.ts";

const url = "https://relay.example.com/live/ws";

/** Has every WebSocket end unheard until the client asks for server-sent events. */
async function blocked(platform: TestPlatform): Promise<FakeStream> {
  (await platform.socketNumber(1)).drop();
  await platform.advance(1_000);
  (await platform.socketNumber(2)).drop();
  await platform.advance(2_000);
  return platform.streamNumber(1);
}

test("where two WebSockets in a row cannot be opened, server-sent events are, with the token in a header", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url, token: async () => "t1", since: "e.5,*b.1" });
  const stream = await blocked(platform);
  assert.equal(stream.url.href, "https://relay.example.com/live/v1/stream?since=e.5%2C*b.1");
  assert.equal(stream.headers.get("authorization"), "Bearer t1");
  const seen: unknown[] = [];
  tidings.on("step", (payload) => seen.push(payload));
  stream.welcome({ offset: "e.5,*b.1", recovered: true, following: 1 });
  stream.say({ type: "step", payload: "ü", offset: "e.6" });
  await until("the update came", () => seen.length === 1);
  assert.deepEqual(tidings.status, {
    kind: "live",
    userId: "alice",
    connectionId: "c1",
    transport: "sse",
  });
  await assert.rejects(tidings.send("a", 1), { code: "receive_only" });
  tidings.close();
  assert.equal(stream.isAborted, true);
});

test("a WebSocket that opens and says nothing counts as blocked, one that was refused by the relay does not", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  (await platform.socketNumber(1)).closing({ code: 1013, come_back: "later" });
  await platform.advance(1_000);
  await platform.socketNumber(2);
  await platform.advance(10_000 + 1_000);
  await platform.socketNumber(3);
  assert.equal(platform.streams.length, 0);
  await platform.advance(10_000 + 2_000);
  await platform.streamNumber(1);
  tidings.close();
});

test("that WebSockets are blocked is remembered for ten minutes, and forgotten when one works", async () => {
  const memory = new Map<string, string>();
  const first = new TestPlatform(memory);
  const before = connectOn(first, { url });
  (await blocked(first)).welcome();
  await until("it is live", () => before.status.kind === "live");
  before.close();

  const second = new TestPlatform(memory);
  const after = connectOn(second, { url });
  const stream = await second.streamNumber(1);
  assert.equal(second.sockets.length, 0);
  stream.fail();
  await until("it is offline", () => after.status.kind === "offline");
  await second.advance(500);
  (await second.socketNumber(1)).welcome();
  assert.equal(memory.size, 0);
  after.close();

  memory.set("tidings:sse:relay.example.com", String(new TestPlatform().now() - 1));
  const third = new TestPlatform(memory);
  const later = connectOn(third, { url });
  await third.socketNumber(1);
  later.close();
});

test("while neither way works, both are tried in turn", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const stream = await blocked(platform);
  stream.fail();
  await until("it is offline", () => tidings.status.kind === "offline");
  await platform.advance(4_000);
  (await platform.socketNumber(3)).drop();
  await platform.advance(8_000);
  await platform.streamNumber(2);
  tidings.close();
});

test("a stream is read whatever the pieces it comes in, and its comments are signs of life", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const stream = await blocked(platform);
  const seen: unknown[] = [];
  tidings.on("*", (payload) => seen.push(payload));
  stream.welcome();
  await until("it is live", () => tidings.status.kind === "live");
  const text =
    'data: {"type":"a",\r\ndata: "payload":1}\r\n\r\n: beat\n\nevent: x\ndata:{"type":"b","payload":"é"}\n\n';
  for (const piece of text) stream.sayRaw(piece);
  await until("both updates came", () => seen.length === 2);
  assert.deepEqual(seen, [1, "é"]);
  for (let beat = 0; beat < 5; beat += 1) {
    await platform.advance(24_000);
    stream.sayRaw(": beat\n\n");
    await until("the beat was heard", () => tidings.status.kind === "live");
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
  }
  assert.equal(stream.isAborted, false);
  await platform.advance(70_000);
  assert.equal(stream.isAborted, true);
  tidings.close();
});

test("the answers of HTTP mean what the close codes do", async () => {
  for (const [status, headers, kind, wait] of [
    [401, {}, "offline", 2_000],
    [403, { "content-type": "application/problem+json" }, "refused", 0],
    [403, { "content-type": "text/html" }, "offline", 2_000],
    [503, { "retry-after": "7" }, "offline", 7_000],
    [404, {}, "offline", 2_000],
    [200, { "content-type": "text/html" }, "offline", 2_000],
  ] as const) {
    const platform = new TestPlatform();
    const tidings = connectOn(platform, { url });
    (await blocked(platform)).refuse(status, headers);
    await until(`${status} was read`, () => tidings.status.kind !== "connecting");
    assert.equal(tidings.status.kind, kind);
    if (tidings.status.kind === "offline") assert.equal(tidings.status.retryAt, platform.now() + wait);
    tidings.close();
  }
});

test("a place without WebSockets at all gets server-sent events", async () => {
  const platform = new TestPlatform();
  platform.socketFault = new ReferenceError("no WebSocket here");
  const tidings = connectOn(platform, { url });
  await platform.advance(3_000);
  await platform.streamNumber(1);
  tidings.close();
});

test("a relay that says goodbye on a stream is obeyed", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const stream = await blocked(platform);
  stream.welcome();
  const payload = { code: 4403, come_back: "never", reason: "revoked" };
  stream.say({ type: "tidings.closing", payload });
  stream.end();
  await until("it was refused", () => tidings.status.kind === "refused");
  tidings.close();
});
