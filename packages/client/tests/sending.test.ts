import assert from "node:assert/strict";
import { test } from "./support/suite.ts";
import { connectOn } from "../src/connect.ts";
import { TidingsError } from "../src/errors.ts";
import type { Tidings } from "../src/tidings.ts";
import type { FakeSocket } from "./support/fake-socket.ts";
import { TestPlatform, settle } from "./support/test-platform.ts";

const url = "https://relay.example.com";

async function open(): Promise<{ platform: TestPlatform; tidings: Tidings; socket: FakeSocket }> {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  return { platform, tidings, socket: await platform.socketNumber(1) };
}

/** The code with which a promise is rejected. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  assert(error instanceof TidingsError, `not rejected with a code: ${String(error)}`);
  return error.code;
}

test("a message resolves when the relay acknowledges it", async () => {
  const { socket, tidings } = await open();
  socket.welcome();
  const sent = tidings.send("stop", { run: 1 });
  await settle();
  const [frame] = socket.sent;
  assert.equal(frame?.type, "stop");
  assert.deepEqual(frame.payload, { run: 1 });
  socket.say({ type: "tidings.ack", id: frame.id ?? "" });
  await sent;
  tidings.close();
});

test("messages wait for a connection, and are sent once and in order", async () => {
  const { socket, tidings } = await open();
  const sent = [tidings.send("a", 1), tidings.send("b", 2)];
  await settle();
  assert.equal(socket.sent.length, 0);
  socket.welcome();
  assert.deepEqual(
    socket.sent.map(({ type }) => type),
    ["a", "b"],
  );
  for (const { id } of socket.sent) socket.say({ type: "tidings.ack", id: id ?? "" });
  await Promise.all(sent);
  tidings.close();
});

test("a message that no connection took in time was not sent, and says so", async () => {
  const { platform, tidings } = await open();
  const code = codeOf(tidings.send("a", 1, { timeout: 2_000 }));
  await platform.advance(2_000);
  assert.equal(await code, "timeout");
  tidings.close();
});

test("a message without an answer may have arrived, and says so: after its time, and when the connection is lost", async () => {
  const { socket, platform, tidings } = await open();
  socket.welcome();
  const late = codeOf(tidings.send("a", 1, { timeout: 500 }));
  await platform.advance(500);
  assert.equal(await late, "unconfirmed");
  const lost = codeOf(tidings.send("b", 2));
  await settle();
  socket.drop();
  assert.equal(await lost, "unconfirmed");
  tidings.close();
});

test("what the relay objects to is the error of that message alone", async () => {
  const { socket, tidings } = await open();
  socket.welcome();
  const bad = codeOf(tidings.send("a", 1));
  const good = tidings.send("b", 2);
  await settle();
  const [first, second] = socket.sent;
  const payload = { code: "unavailable", message: "Redis is away" };
  socket.say({ type: "tidings.error", id: first?.id ?? "", payload });
  socket.say({ type: "tidings.ack", id: second?.id ?? "" });
  assert.equal(await bad, "unavailable");
  await good;
  assert.equal(tidings.status.kind, "live");
  tidings.close();
});

test("a message over the relay's limit is not sent, since it would end the connection", async () => {
  const { socket, tidings } = await open();
  socket.welcome({ limits: { max_message_bytes: 100, messages_per_second: 1, message_burst: 1 } });
  assert.equal(await codeOf(tidings.send("a", "ü".repeat(40))), "too_big");
  assert.equal(socket.sent.length, 0);
  tidings.close();
});

test("waiting for a message can be given up", async () => {
  const { platform, tidings } = await open();
  const stop = new AbortController();
  const sent = tidings.send("a", 1, { signal: stop.signal });
  await settle();
  stop.abort(new Error("enough"));
  await assert.rejects(sent, /enough/);
  await assert.rejects(tidings.send("a", 1, { signal: AbortSignal.abort(new Error("before")) }), /before/);
  tidings.close();
  assert.equal(platform.timers, 0);
});

test("messages fail at once where no connection will come: refused, closed", async () => {
  const { socket, tidings } = await open();
  const waiting = codeOf(tidings.send("a", 1));
  socket.drop(4403, "revoked");
  assert.equal(await waiting, "refused");
  assert.equal(await codeOf(tidings.send("a", 1)), "refused");
  tidings.reconnect();
  const later = codeOf(tidings.send("a", 1));
  await settle();
  tidings.close();
  assert.equal(await later, "closed");
  assert.equal(await codeOf(tidings.send("a", 1)), "closed");
});

test("no more than a thousand messages wait", async () => {
  const { tidings } = await open();
  const waiting = Array.from({ length: 1_000 }, () => codeOf(tidings.send("a", 1)));
  assert.equal(await codeOf(tidings.send("a", 1)), "too_many");
  tidings.close();
  await Promise.all(waiting);
});
