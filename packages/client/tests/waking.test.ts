import assert from "node:assert/strict";
import { connectOn } from "../src/connect.ts";
import { webPlatform } from "../src/web-platform.ts";
import { test } from "./support/suite.ts";
import { TestPlatform } from "./support/test-platform.ts";

const url = "https://relay.example.com";

test("a page that wakes ends a wait that the client made up itself", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  (await platform.socketNumber(1)).drop();
  platform.page("wake");
  await platform.socketNumber(2);
  tidings.close();
});

test("a page that wakes asks an open connection for a sign of life, and leaves one that gives none", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.welcome();
  platform.page("wake");
  await platform.advance(5_000);
  assert.equal(socket.pings, 1);
  assert.equal(tidings.status.kind, "live");
  socket.answersPings = false;
  platform.page("wake");
  await platform.advance(5_000);
  assert.notEqual(tidings.status.kind, "live");
  tidings.close();
});

test("the browser's events mean what they should", () => {
  const globals: { addEventListener?: unknown } = globalThis;
  const own = Object.getOwnPropertyDescriptor(globals, "addEventListener");
  const page = new EventTarget();
  globals.addEventListener = page.addEventListener.bind(page);
  try {
    const signals: string[] = [];
    const stop = webPlatform().listen((signal) => signals.push(signal));
    const told = (name: string, persisted?: boolean): readonly string[] => {
      page.dispatchEvent(Object.assign(new Event(name), persisted === undefined ? {} : { persisted }));
      return signals.splice(0);
    };
    for (const name of ["online", "offline", "visibilitychange"]) assert.deepEqual(told(name), ["wake"]);
    assert.deepEqual(told("pagehide", true), ["sleep"]);
    assert.deepEqual(told("pageshow", true), ["wake"]);
    // A page that is loaded or left for good.
    assert.deepEqual([...told("pageshow", false), ...told("pagehide", false)], []);
    stop();
    assert.deepEqual(told("online"), []);
  } finally {
    if (own) Object.defineProperty(globals, "addEventListener", own);
    else delete globals.addEventListener;
  }
});

test("a machine that slept is noticed by its clock", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.welcome();
  await platform.advance(6_000);
  await platform.sleep(15_000);
  await platform.advance(0);
  assert.equal(socket.pings, 1);
  tidings.close();
});

test("late timers of a hidden page are not taken for sleep", async () => {
  const platform = new TestPlatform();
  platform.isHidden = true;
  const tidings = connectOn(platform, { url });
  (await platform.socketNumber(1)).closing({ code: 1013, come_back: "later", retry_after_ms: 500_000 });
  await platform.sleep(60_000);
  await platform.advance(100);
  assert.equal(platform.sockets.length, 1);
  tidings.close();
});

test("a page in the back/forward cache holds no connection, and comes back from where it was", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.welcome({ offset: "e.4,*b.2" });
  platform.page("sleep");
  assert.equal(socket.closedWith, 1000);
  assert.equal(tidings.status.kind, "offline");
  await platform.advance(600_000);
  assert.equal(platform.sockets.length, 1);
  platform.page("wake");
  assert.equal((await platform.socketNumber(2)).since, "e.4,*b.2");
  tidings.close();
});
