import assert from "node:assert/strict";
import { test } from "./support/suite.ts";
import { connectOn } from "../src/connect.ts";
import type { ConnectOptions, Tidings } from "../src/tidings.ts";
import { FakeBrowser, type Tab } from "./support/fake-browser.ts";
import type { FakeSocket } from "./support/fake-socket.ts";
import { settle, until } from "./support/test-platform.ts";

const url = "https://relay.example.com";

interface Page {
  readonly tab: Tab;
  readonly tidings: Tidings;
  readonly seen: unknown[];
  readonly gaps: unknown[];
}

function page(browser: FakeBrowser, options: Partial<ConnectOptions> = {}): Page {
  const tab = browser.open();
  const tidings = connectOn(tab.platform, { url, share: "alice", ...options });
  const seen: unknown[] = [];
  const gaps: unknown[] = [];
  tidings.on("*", (payload) => seen.push(payload));
  tidings.on("tidings.gap", (gap) => gaps.push(gap));
  return { tab, tidings, seen, gaps };
}

function sockets(browser: FakeBrowser): readonly FakeSocket[] {
  return browser.tabs.flatMap(({ platform }) => platform.sockets);
}

/** A leader that is live, and tabs that follow it. */
async function live(count: number): Promise<{ browser: FakeBrowser; pages: Page[]; socket: FakeSocket }> {
  const browser = new FakeBrowser();
  const pages = [page(browser)];
  const socket = await (pages[0] as Page).tab.platform.socketNumber(1);
  socket.welcome({ offset: "e.0,*b.0" });
  while (pages.length < count) pages.push(page(browser));
  await until("all are live", () => pages.every(({ tidings }) => tidings.status.kind === "live"));
  return { browser, pages, socket };
}

function jwt(sub: string): string {
  return `x.${btoa(JSON.stringify({ sub })).replaceAll("=", "")}.y`;
}

const closeAll = (pages: readonly Page[]): void => pages.forEach(({ tidings }) => tidings.close());

test("six tabs have one socket, and each is told every update once", async () => {
  const { browser, pages, socket } = await live(6);
  assert.equal(sockets(browser).length, 1);
  socket.updates("e.1", "*b.1");
  await settle();
  for (const { seen } of pages) assert.deepEqual(seen, ["e.1", "*b.1"]);
  closeAll(pages);
});

test("a tab that joins for all that is held is told it in order, and what comes meanwhile once", async () => {
  const { browser, pages, socket } = await live(1);
  const late = page(browser, { since: "earliest" });
  await until("the late tab asks", () => socket.sent.length === 1);
  const [question] = socket.sent;
  assert.deepEqual(question?.payload, { since: "earliest" });
  socket.updates("e.3");
  await settle();
  socket.say({
    type: "tidings.resumed",
    id: question?.id ?? "",
    payload: { recovered: true, following: 3, offset: "e.0,*b.0" },
  });
  socket.updates("e.1", "e.2", "e.3", "e.4");
  await settle();
  assert.deepEqual(late.seen, ["e.1", "e.2", "e.3", "e.4"]);
  assert.equal(late.tidings.status.kind, "live");
  closeAll([...pages, late]);
});

test("the death of the tab with the socket loses nothing: another goes on from where it stands", async () => {
  const { browser, pages, socket } = await live(3);
  socket.updates("e.1");
  await settle();
  pages[0]?.tab.die();
  await until("a second socket is opened", () => sockets(browser).length === 2);
  const next = sockets(browser)[1] as FakeSocket;
  assert.equal(next.since, "e.1,*b.0");
  assert.equal(pages[1]?.tidings.status.kind, "connecting");
  assert.equal(pages[2]?.tidings.status.kind, "connecting");
  next.welcome({ offset: "e.1,*b.0", recovered: true, following: 1 });
  await settle();
  assert.equal(pages[2]?.tidings.status.kind, "behind");
  next.updates("e.2", "e.3");
  await settle();
  for (const { seen, gaps, tidings } of pages.slice(1)) {
    assert.deepEqual(seen, ["e.1", "e.2", "e.3"]);
    assert.deepEqual(gaps, []);
    assert.equal(tidings.status.kind, "live");
  }
  assert.equal(next.sent.length, 0);
  closeAll(pages);
});

test("closing the connection in the tab that has the socket hands it on", async () => {
  const { browser, pages, socket } = await live(2);
  pages[0]?.tidings.close();
  assert.equal(socket.closedWith, 1000);
  await until("a second socket is opened", () => sockets(browser).length === 2);
  closeAll(pages);
});

test("a tab that begins at an older place gets what it missed, and the others nothing twice", async () => {
  const { browser, pages, socket } = await live(2);
  socket.updates("e.1", "e.2", "e.3");
  await settle();
  const late = page(browser, { since: "e.1,*b.0" });
  await until("it asks", () => socket.sent.length === 1);
  const [question] = socket.sent;
  assert.deepEqual(question?.payload, { since: "e.1,*b.0" });
  const payload = { recovered: true, following: 2, offset: "e.1,*b.0" };
  socket.say({ type: "tidings.resumed", id: question?.id ?? "", payload });
  socket.updates("e.2", "e.3", "e.4");
  await settle();
  assert.deepEqual(late.seen, ["e.2", "e.3", "e.4"]);
  assert.equal(late.tidings.status.kind, "live");
  assert.deepEqual(pages[1]?.seen, ["e.1", "e.2", "e.3", "e.4"]);
  closeAll([...pages, late]);
});

test("any tab can send, and gets the answer to its own message", async () => {
  const { pages, socket } = await live(3);
  const [, second, third] = pages as [Page, Page, Page];
  const good = second.tidings.send("a", 1);
  const bad = third.tidings.send("b", 2);
  await until("both are sent", () => socket.sent.length === 2);
  for (const { type, id } of socket.sent) {
    const answer =
      type === "a" ? { type: "tidings.ack" } : { type: "tidings.error", payload: { code: "unavailable" } };
    socket.say({ ...answer, id: id ?? "" });
  }
  await good;
  await assert.rejects(bad, { code: "unavailable" });
  closeAll(pages);
});

test("a leader that the browser froze is replaced by a visible tab, and steps down when it wakes", async () => {
  const { browser, pages, socket } = await live(3);
  const [first, second] = pages as [Page, Page];
  first.tab.freeze();
  await browser.advance(9_000);
  assert.equal(sockets(browser).length, 2);
  const next = sockets(browser)[1] as FakeSocket;
  next.welcome({ offset: "e.0,*b.0", recovered: true, following: 0 });
  next.updates("e.1");
  await settle();
  const sent = second.tidings.send("a", 1);
  await until("it is sent", () => next.sent.length === 1);
  next.say({ type: "tidings.ack", id: next.sent[0]?.id ?? "" });
  await sent;
  first.tab.thaw();
  await settle();
  assert.equal(socket.closedWith, 1000);
  assert.equal(socket.sent.length, 0);
  next.updates("e.2");
  await until("the woken tab is live", () => first.tidings.status.kind === "live");
  for (const { seen } of pages) assert.deepEqual(seen, ["e.1", "e.2"]);
  assert.equal(sockets(browser).length, 2);
  closeAll(pages);
});

test("hidden tabs leave a silent leader alone", async () => {
  const { browser, pages } = await live(2);
  for (const { tab } of pages) tab.platform.isHidden = true;
  pages[0]?.tab.freeze();
  await browser.advance(60_000);
  assert.equal(sockets(browser).length, 1);
  closeAll(pages);
});

test("all tabs say how the connection stands, and a visible one ends the wait of a hidden leader", async () => {
  const { browser, pages, socket } = await live(2);
  const [first, second] = pages as [Page, Page];
  socket.drop(1001, "; retry_after_ms=20000");
  await settle();
  assert.deepEqual(second.tidings.status, first.tidings.status);
  assert.equal(second.tidings.status.kind, "offline");
  // The leader's timers do not fire in time: only its clock goes on, and messages reach it.
  first.tab.platform.skip(20_400);
  for (let step = 0; step < 51; step += 1) await second.tab.platform.advance(400);
  await settle();
  assert.equal(sockets(browser).length, 2);
  closeAll(pages);
});

test("a refusal is told to all tabs, and any of them can try again", async () => {
  const { browser, pages, socket } = await live(2);
  socket.drop(4403, "revoked");
  await settle();
  assert.equal(pages[1]?.tidings.status.kind, "refused");
  pages[1]?.tidings.reconnect();
  await until("a second socket is opened", () => sockets(browser).length === 2);
  closeAll(pages);
});

test("users are told apart by their tokens: another's tab has a socket of its own", async () => {
  const browser = new FakeBrowser();
  const pages = ["alice", "alice", "bob"].map((sub) =>
    page(browser, { share: true, token: async () => jwt(sub) }),
  );
  await until("each user has a socket", () => sockets(browser).length === 2);
  await browser.advance(1_000);
  assert.equal(sockets(browser).length, 2);
  closeAll(pages);
});

test("a token is asked for once where the tab that learns its user from it connects at once", async () => {
  const browser = new FakeBrowser();
  let asked = 0;
  const token = async (): Promise<string> => {
    asked += 1;
    return jwt("alice");
  };
  const only = page(browser, { share: true, token });
  await only.tab.platform.socketNumber(1);
  assert.equal(asked, 1);
  sockets(browser)[0]?.drop(4401);
  await browser.advance(100);
  await only.tab.platform.socketNumber(2);
  assert.equal(asked, 2);
  closeAll([only]);
});

test("without a name for the user, or where sharing is off, each tab has a connection of its own", async () => {
  for (const options of [
    { share: true, token: "opaque" },
    { share: true, token: () => Promise.reject(new Error("no")) },
    { share: true },
    { share: false },
  ]) {
    const browser = new FakeBrowser();
    const pages = [page(browser, options), page(browser, options)];
    await browser.advance(2_000);
    const own = pages.filter(({ tidings }) => tidings.status.kind !== "live");
    assert.equal(own.length, 2);
    if (typeof options.token !== "function") assert.equal(sockets(browser).length, 2);
    closeAll(pages);
  }
});

test("a leader whose relay names another user keeps that user's updates to its own tab", async () => {
  const { browser, pages, socket } = await live(2);
  socket.drop();
  await browser.advance(1_000);
  const next = sockets(browser)[1] as FakeSocket;
  next.welcome({ user_id: "bob", offset: "f.0,*b.0" });
  next.updates("f.1");
  await settle();
  assert.deepEqual(pages[0]?.seen, ["f.1"]);
  assert.deepEqual(pages[1]?.seen, []);
  await until("the other tab connects itself", () => sockets(browser).length === 3);
  closeAll(pages);
});

test("a tab in the back/forward cache gives the socket away, and joins again when it is shown", async () => {
  const { browser, pages, socket } = await live(2);
  const [first] = pages as [Page, Page];
  first.tab.platform.page("sleep");
  await until("the other tab connects", () => sockets(browser).length === 2);
  assert.equal(socket.closedWith, 1000);
  (sockets(browser)[1] as FakeSocket).welcome({ offset: "e.0,*b.0", recovered: true, following: 0 });
  first.tab.platform.page("wake");
  await until("it is live again", () => first.tidings.status.kind === "live");
  assert.equal(sockets(browser).length, 2);
  closeAll(pages);
});

test("where locks turn out not to work, the tab connects by itself", async () => {
  const browser = new FakeBrowser();
  const tab = browser.open();
  const { sharing } = tab.platform;
  assert(sharing);
  const locks = { request: () => Promise.reject(new DOMException("no locks here", "SecurityError")) };
  tab.platform.sharing = { ...sharing, locks };
  const tidings = connectOn(tab.platform, { url, share: "alice" });
  (await tab.platform.socketNumber(1)).welcome();
  assert.equal(tidings.status.kind, "live");
  tidings.close();
});

test("a connection that is closed before it knows with whom to share stays closed", async () => {
  const browser = new FakeBrowser();
  const { promise, resolve } = Promise.withResolvers<string>();
  const only = page(browser, { share: true, token: () => promise });
  await until("the token is asked for", () => only.tab.platform.timers === 1);
  only.tidings.close();
  resolve(jwt("alice"));
  await settle();
  assert.equal(only.tidings.status.kind, "offline");
  assert.equal(sockets(browser).length, 0);
  assert.equal(only.tab.platform.timers, 0);
});

test("closing leaves nothing behind in any tab", async () => {
  const { browser, pages } = await live(3);
  closeAll(pages);
  await settle();
  for (const { platform, channels } of browser.tabs) {
    assert.equal(platform.timers, 0);
    assert.equal(platform.listening, 0);
    assert.equal(channels.size, 0);
  }
});
