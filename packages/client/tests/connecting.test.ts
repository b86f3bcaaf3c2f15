import assert from "node:assert/strict";
import { test } from "./support/suite.ts";
import { connectOn } from "../src/connect.ts";
import type { Status } from "../src/status.ts";
import { TestPlatform, until } from "./support/test-platform.ts";

const url = "https://relay.example.com";

test("a client asks for a token, offers it in a subprotocol, and is live when it is welcomed", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url, token: async () => "t1" });
  const socket = await platform.socketNumber(1);
  assert.equal(socket.url.href, "wss://relay.example.com/ws");
  assert.deepEqual(socket.protocols, ["tidings.v1", "tidings.token.t1"]);
  assert.deepEqual(tidings.status, { kind: "connecting" });
  socket.welcome();
  assert.deepEqual(tidings.status, {
    kind: "live",
    userId: "alice",
    connectionId: "c1",
    transport: "websocket",
  });
  tidings.close();
});

test("the relay is found by its origin, its path or its own address, also relative to the page", async () => {
  for (const [given, expected] of [
    ["/", "wss://app.example.com/ws"],
    ["/live/", "wss://app.example.com/live/ws"],
    ["wss://r.example.com/ws?user_id=a", "wss://r.example.com/ws?user_id=a"],
    ["http://localhost:8080", "ws://localhost:8080/ws"],
  ] as const) {
    const platform = new TestPlatform();
    const tidings = connectOn(platform, { url: given });
    assert.equal((await platform.socketNumber(1)).url.href, expected);
    tidings.close();
  }
  assert.throws(() => connectOn(new TestPlatform(), { url: "https://" }), TypeError);
});

test("a connection that is lost comes back after a random time below a bound that doubles to 30 s", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  for (const [at, bound] of [1, 2, 4, 8, 16, 30, 30].entries()) {
    const socket = await platform.socketNumber(at + 1);
    socket.sayRaw("");
    socket.drop(1006);
    assert.deepEqual(tidings.status, {
      kind: "offline",
      reason: "code 1006",
      retryAt: platform.now() + bound * 500,
    });
    await platform.advance(bound * 500 - 1);
    assert.equal(platform.sockets.length, at + 1);
    await platform.advance(1);
  }
  tidings.close();
});

test("failures are forgotten once a connection has stood for five seconds, not before", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const waitAfter = async (count: number, lived: number): Promise<number> => {
    const socket = await platform.socketNumber(count);
    socket.welcome();
    await platform.advance(lived);
    socket.drop(1006);
    const { status } = tidings;
    assert(status.kind === "offline" && status.retryAt !== null);
    const wait = status.retryAt - platform.now();
    await platform.advance(wait);
    return wait;
  };
  assert.equal(await waitAfter(1, 100), 500);
  assert.equal(await waitAfter(2, 100), 1_000);
  assert.equal(await waitAfter(3, 5_000), 500);
  tidings.close();
});

test("a relay that says when to come back is obeyed, also where the page wakes before", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.welcome();
  socket.closing({ code: 1001, come_back: "later", retry_after_ms: 4_711 });
  await platform.advance(4_000);
  platform.page("wake");
  await platform.advance(710);
  assert.equal(platform.sockets.length, 1);
  await platform.advance(1);
  assert.equal(platform.sockets.length, 2);
  tidings.close();
});

test("the advice at the end of a close reason counts where nothing else came", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  (await platform.socketNumber(1)).drop(1013, "full; retry_after_ms=9000");
  await platform.advance(8_999);
  assert.equal(platform.sockets.length, 1);
  await platform.advance(1);
  assert.equal(platform.sockets.length, 2);
  tidings.close();
});

test("a good connection that ended comes back at once, and with patience where it ends at once again", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  (await platform.socketNumber(1)).closing({ code: 4480, come_back: "now", retry_after_ms: 0 });
  await platform.advance(0);
  (await platform.socketNumber(2)).drop(4480);
  await platform.advance(999);
  assert.equal(platform.sockets.length, 2);
  await platform.advance(1);
  assert.equal(platform.sockets.length, 3);
  tidings.close();
});

test("a socket that fails before it opens has failed, whether or not a close event follows", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.onerror?.({} as never);
  assert.equal(tidings.status.kind, "offline");
  await platform.advance(500);
  const next = await platform.socketNumber(2);
  next.onopen?.({} as never);
  next.onerror?.({} as never);
  next.drop(4403);
  assert.equal(tidings.status.kind, "refused");
  tidings.close();
});

test("a clean close by a mobile browser is not the end", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.welcome();
  socket.drop(1000);
  await platform.advance(1_000);
  assert.equal(platform.sockets.length, 2);
  tidings.close();
});

test("a refused token is asked for afresh at once, and then with patience", async () => {
  const platform = new TestPlatform();
  let asked = 0;
  const tidings = connectOn(platform, { url, token: () => `t${(asked += 1)}` });
  (await platform.socketNumber(1)).closing({ code: 4401, come_back: "new_token" });
  await platform.advance(0);
  const second = await platform.socketNumber(2);
  assert.equal(second.protocols[1], "tidings.token.t2");
  second.drop(4401);
  await platform.advance(999);
  assert.equal(asked, 2);
  await platform.advance(1);
  assert.equal(asked, 3);
  tidings.close();
});

test("a token that cannot be had is asked for again, and says so", async () => {
  const platform = new TestPlatform();
  let asked = 0;
  const token = async (): Promise<string> => {
    asked += 1;
    if (asked < 4) throw new Error("the server is away");
    return "t";
  };
  const tidings = connectOn(platform, { url, token });
  await platform.advance(0);
  assert.deepEqual(tidings.status, {
    kind: "offline",
    reason: "Error: the server is away",
    retryAt: platform.now() + 500,
  });
  await platform.advance(5_000);
  assert.equal(asked, 4);
  assert.equal(platform.sockets.length, 1);
  assert.equal(platform.streams.length, 0);
  tidings.close();
});

test("a token is replaced on the open connection before it runs out, and so is each one after it", async () => {
  const platform = new TestPlatform();
  let asked = 0;
  const tidings = connectOn(platform, { url, token: async () => `t${(asked += 1)}` });
  const socket = await platform.socketNumber(1);
  socket.welcome({ expires_in_ms: 3_600_000 });
  await platform.advance(3_539_999);
  assert.equal(socket.sent.length, 0);
  await platform.advance(1);
  assert.deepEqual(socket.sent, [{ type: "tidings.token", id: "token", payload: { token: "t2" } }]);
  // The new one holds for another time than the first.
  socket.say({ type: "tidings.ack", id: "token", payload: { expires_in_ms: 100_000 } });
  await platform.advance(79_999);
  assert.equal(asked, 2);
  await platform.advance(1);
  assert.deepEqual(socket.sent.at(-1), { type: "tidings.token", id: "token", payload: { token: "t3" } });
  socket.say({ type: "tidings.ack", id: "token", payload: { expires_in_ms: null } });
  await platform.advance(86_400_000);
  assert.equal(asked, 3);
  assert.equal(platform.sockets.length, 1);
  tidings.close();
});

test("a new token that cannot be had leaves the connection as it is, for as long as the relay does", async () => {
  const platform = new TestPlatform();
  let asked = 0;
  const token = async (): Promise<string> => {
    asked += 1;
    if (asked === 2) throw new Error("the server is away");
    return `t${asked}`;
  };
  const tidings = connectOn(platform, { url, token });
  const socket = await platform.socketNumber(1);
  socket.welcome({ expires_in_ms: 100_000 });
  await platform.advance(99_000);
  assert.equal(asked, 2);
  assert.equal(tidings.status.kind, "live");
  socket.closing({ code: 4401, come_back: "new_token" });
  await platform.advance(0);
  assert.equal((await platform.socketNumber(2)).protocols[1], "tidings.token.t3");
  tidings.close();
});

test("an attempt that gets no welcome in ten seconds is given up for the next", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  await platform.advance(9_999);
  assert.equal(tidings.status.kind, "connecting");
  await platform.advance(1);
  assert.equal(tidings.status.kind, "offline");
  assert.equal(socket.closedWith, 1000);
  tidings.close();
});

test("a token that never comes does not hold up the next attempt", async () => {
  const platform = new TestPlatform();
  let asked = 0;
  const tidings = connectOn(platform, { url, token: () => new Promise(() => (asked += 1)) });
  await platform.advance(10_500);
  assert.equal(asked, 2);
  tidings.close();
});

test("a relay that no longer answers pings is left for a new connection, one that answers is kept", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.welcome();
  await platform.advance(300_000);
  assert.equal(socket.pings, 8);
  assert.equal(tidings.status.kind, "live");
  socket.answersPings = false;
  await platform.advance(70_000);
  assert.equal(socket.closedWith, 1000);
  assert(platform.sockets.length > 1);
  tidings.close();
});

test("a client told never to come back is refused until the application reconnects it", async () => {
  for (const code of [1002, 1007, 1008, 1009, 4400, 4403, 4409]) {
    const platform = new TestPlatform();
    const tidings = connectOn(platform, { url, token: "old" });
    const socket = await platform.socketNumber(1);
    socket.welcome();
    socket.drop(code, "no");
    assert.deepEqual(tidings.status, { kind: "refused", code, reason: "no" });
    platform.page("wake");
    await platform.advance(600_000);
    assert.equal(platform.sockets.length, 1);
    tidings.reconnect("new");
    assert.equal((await platform.socketNumber(2)).protocols[1], "tidings.token.new");
    tidings.close();
  }
});

test("what the relay says about coming back counts more than the code", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  (await platform.socketNumber(1)).closing({ code: 4999, come_back: "never" });
  assert.deepEqual(tidings.status, { kind: "refused", code: 4999, reason: "because" });
  tidings.close();
});

test("closing leaves nothing behind: no timer, no listener, no attempt", async () => {
  const platform = new TestPlatform();
  const stop = new AbortController();
  const tidings = connectOn(platform, { url, signal: stop.signal });
  const kinds: Status["kind"][] = [];
  tidings.on("tidings.status", ({ kind }) => kinds.push(kind));
  const socket = await platform.socketNumber(1);
  socket.welcome();
  stop.abort();
  assert.equal(socket.closedWith, 1000);
  assert.deepEqual(tidings.status, { kind: "offline", reason: "closed", retryAt: null });
  assert.deepEqual(kinds, ["live", "offline"]);
  tidings.reconnect();
  await platform.advance(60_000);
  assert.equal(platform.sockets.length, 1);
  assert.equal(platform.timers, 0);
  assert.equal(platform.listening, 0);
});

test("a client that is closed while its token is being made opens nothing", async () => {
  const platform = new TestPlatform();
  const { promise, resolve } = Promise.withResolvers<string>();
  const tidings = connectOn(platform, { url, token: () => promise });
  tidings.close();
  resolve("late");
  await platform.advance(60_000);
  assert.equal(platform.sockets.length, 0);
  await until("nothing is left", () => platform.timers === 0);
});
