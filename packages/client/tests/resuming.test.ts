import assert from "node:assert/strict";
import { test } from "./support/suite.ts";
import { connectOn } from "../src/connect.ts";
import type { Gap } from "../src/gap.ts";
import type { Tidings } from "../src/tidings.ts";
import type { FakeSocket } from "./support/fake-socket.ts";
import { TestPlatform } from "./support/test-platform.ts";

const url = "https://relay.example.com";

interface Scene {
  readonly platform: TestPlatform;
  readonly tidings: Tidings;
  readonly socket: FakeSocket;
  /** The payloads of all updates so far. */
  readonly seen: unknown[];
  readonly gaps: Gap[];
  /** Loses the connection, and resolves with the next one. */
  again(): Promise<FakeSocket>;
}

async function open(since?: string): Promise<Scene> {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url, since: since ?? null });
  const seen: unknown[] = [];
  const gaps: Gap[] = [];
  tidings.on("*", (payload) => seen.push(payload));
  tidings.on("tidings.gap", (gap) => gaps.push(gap));
  const socket = await platform.socketNumber(1);
  const again = async (): Promise<FakeSocket> => {
    platform.sockets.at(-1)?.drop();
    tidings.reconnect();
    return platform.socketNumber(platform.sockets.length + 1);
  };
  return { platform, tidings, socket, seen, gaps, again };
}

test("a client without a position starts live, and knows its place from the welcome", async () => {
  const { socket, tidings, again } = await open();
  assert.equal(socket.since, null);
  assert.equal(tidings.offset, null);
  socket.welcome({ offset: "e.7,*b.0" });
  assert.equal(tidings.offset, "e.7,*b.0");
  assert.equal((await again()).since, "e.7,*b.0");
  tidings.close();
});

test("a client that comes back asks for what follows the last update it told, of its user and of broadcasts", async () => {
  const { socket, tidings, seen, gaps, again } = await open();
  socket.welcome({ offset: "e.7,*b.0" });
  socket.updates("e.8", "*b.1", "e.9");
  const next = await again();
  assert.equal(next.since, "e.9,*b.1");
  next.welcome({ offset: "e.9,*b.1", recovered: true, following: 2 });
  assert.deepEqual(tidings.status, { kind: "behind", remaining: 2, transport: "websocket" });
  next.updates("e.10");
  assert.deepEqual(tidings.status, { kind: "behind", remaining: 1, transport: "websocket" });
  next.updates("*b.2");
  assert.equal(tidings.status.kind, "live");
  assert.deepEqual(seen, ["e.8", "*b.1", "e.9", "e.10", "*b.2"]);
  assert.deepEqual(gaps, []);
  tidings.close();
});

test("a replay that is cut goes on where it was cut", async () => {
  const { socket, tidings, seen, again } = await open("e.1,*b.1");
  socket.welcome({ offset: "e.1,*b.1", recovered: true, following: 5 });
  socket.updates("e.2", "e.3");
  const next = await again();
  assert.equal(next.since, "e.3,*b.1");
  next.welcome({ offset: "e.3,*b.1", recovered: true, following: 3 });
  next.updates("e.4", "e.5", "*b.2");
  assert.deepEqual(seen, ["e.2", "e.3", "e.4", "e.5", "*b.2"]);
  assert.equal(tidings.status.kind, "live");
  tidings.close();
});

test("everything that is held is asked for as earliest, once", async () => {
  const { socket, tidings, again } = await open("earliest");
  assert.equal(socket.since, "earliest");
  socket.welcome({ offset: "e.3,*b.0", recovered: true, following: 4 });
  socket.updates("e.4");
  const next = await again();
  assert.equal(next.since, "e.4,*b.0");
  tidings.close();
});

test("an attempt that fails before the welcome does not lose the place asked for", async () => {
  const { tidings, again } = await open("earliest");
  assert.equal((await again()).since, "earliest");
  tidings.close();
});

test("an update that came before is dropped", async () => {
  const { socket, tidings, seen } = await open("e.1");
  socket.welcome({ offset: "e.1,*b.0", recovered: true, following: 0 });
  socket.updates("e.2", "e.2", "e.1", "*b.1", "e.3", "*b.1");
  assert.deepEqual(seen, ["e.2", "*b.1", "e.3"]);
  tidings.close();
});

test("a gap is told before the update that follows it, with what is known", async () => {
  const { socket, tidings, seen, gaps } = await open("e.5,*b.1");
  socket.welcome({ offset: "e.40,*b.1", recovered: false, following: 1, reason: "trimmed", message: "gone" });
  socket.say({
    type: "tidings.gap",
    payload: {
      reason: "trimmed",
      recovered: false,
      broadcast: false,
      after: "e.5",
      next: "e.41",
      message: "gone",
    },
  });
  assert.deepEqual(gaps, [
    { reason: "trimmed", message: "gone", log: "user", after: "e.5", next: "e.41", missed: 35 },
  ]);
  socket.updates("e.41", "e.42");
  assert.deepEqual(seen, ["e.41", "e.42"]);
  assert.equal(tidings.offset, "e.42,*b.1");
  tidings.close();
});

test("a log that was lost goes on in its new life", async () => {
  const { socket, tidings, seen, gaps } = await open();
  socket.welcome({ offset: "e.5,*b.1" });
  socket.say({
    type: "tidings.gap",
    payload: { reason: "epoch_changed", broadcast: true, after: "*b.1", next: "*c.3", message: "lost" },
  });
  socket.updates("*c.3", "*c.4");
  assert.deepEqual(gaps[0], {
    reason: "epoch_changed",
    message: "lost",
    log: "broadcast",
    after: "*b.1",
    next: "*c.3",
    missed: null,
  });
  assert.deepEqual(seen, ["*c.3", "*c.4"]);
  assert.equal(tidings.offset, "e.5,*c.4");
  tidings.close();
});

test("a position beyond the log's newest update is left for the relay's", async () => {
  const { socket, tidings, seen } = await open("e.90");
  socket.welcome({ offset: "e.4,*b.0", recovered: false, following: 0, reason: "ahead", message: "" });
  socket.updates("e.5");
  assert.deepEqual(seen, ["e.5"]);
  tidings.close();
});

test("what a worker's counter misses is told with its numbers", async () => {
  const { socket, tidings, gaps } = await open();
  socket.welcome({ offset: "e.5,*b.1" });
  const payload = { reason: "seq", broadcast: false, after: "e.5", next: "e.6", message: "m" };
  socket.say({ type: "tidings.gap", payload: { ...payload, producer: null, from: 15, to: 16 } });
  assert.deepEqual(gaps, [
    {
      reason: "seq",
      message: "m",
      log: "user",
      after: "e.5",
      next: "e.6",
      missed: 2,
      producer: null,
      from: 15,
      to: 16,
    },
  ]);
  tidings.close();
});

test("a relay without history cannot say what was missed between two connections, and that is told", async () => {
  const { socket, tidings, seen, gaps, again } = await open();
  socket.welcome();
  socket.say({ type: "step", payload: 1 });
  assert.deepEqual(gaps, []);
  const next = await again();
  assert.equal(next.since, null);
  next.welcome();
  assert.deepEqual(gaps, [
    { reason: "history_off", message: "", log: null, after: null, next: null, missed: null },
  ]);
  next.say({ type: "step", payload: 2 });
  assert.deepEqual(seen, [1, 2]);
  tidings.close();
});

test("a place that the relay cannot read is told as a gap, once", async () => {
  const { socket, tidings, gaps } = await open("e.5");
  socket.welcome({
    recovered: false,
    following: 0,
    reason: "history_off",
    message: "this relay keeps no history",
  });
  assert.deepEqual(gaps, [
    {
      reason: "history_off",
      message: "this relay keeps no history",
      log: null,
      after: "e.5",
      next: null,
      missed: null,
    },
  ]);
  tidings.close();
});

test("an update that does not follow the one before is not told: what is missing is asked for first", async () => {
  const { socket, tidings, seen, gaps } = await open();
  socket.welcome({ offset: "e.5,*b.1" });
  socket.updates("e.6", "e.9", "e.10");
  assert.deepEqual(seen, ["e.6"]);
  assert.equal(tidings.status.kind, "behind");
  assert.equal(socket.sent.length, 1);
  const [question] = socket.sent;
  assert.deepEqual(question?.payload, { since: "e.6,*b.1" });
  const payload = { recovered: true, following: 4, offset: "e.6,*b.1" };
  socket.say({ type: "tidings.resumed", ...(question?.id && { id: question.id }), payload });
  socket.updates("e.7", "e.8", "e.9", "e.10", "e.11");
  assert.deepEqual(seen, ["e.6", "e.7", "e.8", "e.9", "e.10", "e.11"]);
  assert.equal(tidings.status.kind, "live");
  assert.deepEqual(gaps, []);
  tidings.close();
});

test("frames that are none, or of a kind not known, are passed over", async () => {
  const { socket, tidings, seen } = await open();
  socket.welcome();
  for (const text of ["", "null", "[]", "{", '{"type":7}', new ArrayBuffer(2)]) socket.sayRaw(text);
  socket.say({ type: "tidings.later", payload: {} });
  assert.deepEqual(seen, []);
  assert.equal(tidings.status.kind, "live");
  tidings.close();
});
