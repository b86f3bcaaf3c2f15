import assert from "node:assert/strict";
import { connectOn } from "../../src/connect.ts";
import type { Gap } from "../../src/gap.ts";
import { Follower } from "../../src/react/follower.ts";
import type { Frames } from "../../src/react/frames.ts";
import { Store } from "../../src/react/store.ts";
import type { Update } from "../../src/update.ts";
import type { FakeSocket } from "../support/fake-socket.ts";
import { test } from "../support/suite.ts";
import { settle, TestPlatform } from "../support/test-platform.ts";

/** Frames that the test draws. */
class TestFrames implements Frames {
  time = 0;
  readonly #waiting = new Set<() => void>();

  now(): number {
    return this.time;
  }

  next(run: () => void): () => void {
    const entry = (): void => run();
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  draw(ms = 16): void {
    this.time += ms;
    const due = [...this.#waiting];
    this.#waiting.clear();
    for (const run of due) run();
  }
}

class Setting {
  readonly platform = new TestPlatform();
  readonly frames = new TestFrames();
  readonly store: Store;

  constructor(since: string | null = null) {
    this.store = new Store({
      open: (from) => connectOn(this.platform, { url: "https://relay.example.com", since: from }),
      isOwner: true,
      since,
      frames: this.frames,
      onInvalid: () => {},
    });
  }

  /** Opens the connection and has it welcomed. */
  async live(offset: string | null, following = 0): Promise<FakeSocket> {
    this.store.retain();
    const socket = await this.platform.socketNumber(1);
    socket.welcome({
      ...(offset !== null && { offset }),
      ...(following > 0 && { recovered: true, following }),
    });
    return socket;
  }

  /** Follows updates of a type, and notes them with a bar after those that were told together. */
  note(type = "*", since: string | null = null): Note {
    return new Note(this.store, type, since);
  }
}

class Note {
  readonly seen: unknown[] = [];
  readonly #follower: Follower;
  readonly #store: Store;
  #stop: () => void;

  constructor(store: Store, type: string, since: string | null) {
    this.#store = store;
    this.#follower = new Follower(type, since, {
      update: ({ payload }: Update) => this.seen.push(payload),
      settled: () => this.seen.push("|"),
    });
    this.#stop = store.follow(this.#follower);
  }

  get text(): string {
    return this.seen.join("");
  }

  stop(): void {
    this.#stop();
  }

  again(): void {
    this.#stop = this.#store.follow(this.#follower);
  }
}

function say(socket: FakeSocket, ...numbers: readonly number[]): void {
  for (const n of numbers) socket.say({ type: "step", payload: n, offset: `e.${n}` });
}

test("what came since the last frame is told together, in order, to those whose type it is", async () => {
  const setting = new Setting();
  const [all, steps, other] = [setting.note(), setting.note("step"), setting.note("other")];
  const socket = await setting.live("e.0,*b.0");
  say(socket, 1, 2);
  socket.say({ type: "other", payload: "x", offset: "*b.1" });
  assert.equal(all.text, "");
  setting.frames.draw();
  say(socket, 3);
  setting.frames.draw();
  setting.frames.draw();
  assert.deepEqual([all.text, steps.text, other.text], ["12x|3|", "12|3|", "x|"]);
});

test("a replay is told at once when it is whole, while the status says how far it is", async () => {
  const setting = new Setting("e.0,*b.0");
  const note = setting.note();
  const socket = await setting.live("e.0,*b.0", 3);
  say(socket, 1, 2);
  setting.frames.draw();
  assert.deepEqual(setting.store.status(), { kind: "behind", remaining: 1, transport: "websocket" });
  assert.equal(note.text, "");
  say(socket, 3, 4);
  setting.frames.draw();
  assert.equal(setting.store.status().kind, "live");
  assert.equal(note.text, "1234|");
});

test("a replay that takes more than a second is told in parts, and one that breaks off is told", async () => {
  const slow = new Setting("e.0,*b.0");
  const note = slow.note();
  const socket = await slow.live("e.0,*b.0", 9);
  say(socket, 1, 2);
  for (let frame = 0; frame < 10; frame += 1) slow.frames.draw(99);
  assert.equal(note.text, "");
  slow.frames.draw(200);
  say(socket, 3);
  slow.frames.draw();
  assert.equal(note.text, "12|3|");
  const broken = new Setting("e.0,*b.0");
  const other = broken.note();
  const line = await broken.live("e.0,*b.0", 9);
  say(line, 1);
  broken.frames.draw();
  line.drop();
  broken.frames.draw();
  assert.equal(other.text, "1|");
});

test("mounting twice in one go opens one socket, and it is closed once nobody is left", async () => {
  const setting = new Setting();
  const first = setting.store.retain();
  first();
  const second = setting.store.retain();
  const third = setting.store.retain();
  const socket = await setting.platform.socketNumber(1);
  second();
  await settle();
  assert.equal(socket.closedWith, null);
  third();
  await settle();
  assert.equal(socket.closedWith, 1000);
  assert.equal(setting.platform.sockets.length, 1);
  assert.equal(setting.platform.timers, 0);
});

test("what is mounted again after it was gone goes on where it was", async () => {
  const setting = new Setting();
  const note = setting.note();
  const release = setting.store.retain();
  const socket = await setting.platform.socketNumber(1);
  socket.welcome({ offset: "e.0,*b.0" });
  say(socket, 1, 2);
  note.stop();
  release();
  await settle();
  note.again();
  assert.equal(note.text, "12|");
  setting.store.retain();
  const next = await setting.platform.socketNumber(2);
  assert.equal(next.since, "e.2,*b.0");
  next.welcome({ offset: "e.2,*b.0", recovered: true, following: 0 });
  say(next, 3);
  setting.frames.draw();
  assert.equal(note.text, "12|3|");
});

test("a hook that leaves and comes back is told what it missed, once", async () => {
  const setting = new Setting();
  const note = setting.note();
  const socket = await setting.live("e.0,*b.0");
  say(socket, 1);
  setting.frames.draw();
  note.stop();
  note.again();
  note.stop();
  say(socket, 2, 3);
  setting.frames.draw();
  note.again();
  say(socket, 4);
  setting.frames.draw();
  assert.equal(note.text, "1|23|4|");
});

test("a hook that comes late is told what is new, or what came since its own place", async () => {
  const setting = new Setting("e.1,*b.0");
  const socket = await setting.live("e.1,*b.0");
  say(socket, 2, 3, 4);
  socket.say({ type: "step", payload: "b", offset: "*b.1" });
  setting.frames.draw();
  const [fresh, placed, behind] = [
    setting.note(),
    setting.note("*", "e.3,*b.0"),
    setting.note("*", "e.9,*b.7"),
  ];
  say(socket, 5);
  setting.frames.draw();
  assert.deepEqual([fresh.text, placed.text, behind.text], ["5|", "4b|5|", ""]);
});

test("the connection begins where the first of its hooks needs it, and the others skip what they have", async () => {
  const setting = new Setting("e.5,*b.0");
  const early = setting.note("*", "e.2,*b.0");
  const late = setting.note("*", "e.4,*b.0");
  const none = setting.note();
  setting.store.retain();
  const socket = await setting.platform.socketNumber(1);
  assert.equal(socket.since, "e.2,*b.0");
  socket.welcome({ offset: "e.2,*b.0", recovered: true, following: 4 });
  say(socket, 3, 4, 5, 6);
  setting.frames.draw();
  assert.deepEqual([early.text, late.text, none.text], ["3456|", "56|", "3456|"]);
});

test("a place before all that is held is told as a gap, whether the hook or the welcome came first", async () => {
  for (const isEarly of [true, false]) {
    const setting = new Setting();
    const gaps: Gap[] = [];
    setting.store.onGap((gap) => gaps.push(gap));
    setting.store.retain();
    const socket = await setting.platform.socketNumber(1);
    if (isEarly) setting.note("*", "e.2,*b.0");
    socket.welcome({ offset: "e.5,*b.0" });
    if (!isEarly) setting.note("*", "e.2,*b.0");
    setting.note("*", "e.5,*b.0");
    setting.frames.draw();
    assert.deepEqual(
      gaps.map(({ reason, after, next }) => [reason, after, next]),
      [["trimmed", "e.2,*b.0", "e.5,*b.0"]],
    );
  }
});

test("a place in a life of the log that began since is told nothing of the one before", async () => {
  const setting = new Setting();
  const socket = await setting.live("e.1,*b.0");
  say(socket, 2);
  socket.say({
    type: "tidings.gap",
    payload: { reason: "epoch_changed", message: "", broadcast: false, after: "e.2", next: "f.1" },
  });
  socket.say({ type: "step", payload: "new", offset: "f.1" });
  setting.frames.draw();
  const gaps: Gap[] = [];
  setting.store.onGap((gap) => gaps.push(gap));
  const [before, after] = [setting.note("*", "e.1,*b.0"), setting.note("*", "f.0,*b.0")];
  setting.frames.draw();
  assert.deepEqual([before.text, after.text, gaps], ["2new|", "new|", []]);
});

test("a gap is told in its place among the updates", async () => {
  const setting = new Setting();
  const note = setting.note();
  setting.store.onGap(({ missed }) => note.seen.push(`(${missed})`));
  const socket = await setting.live("e.0,*b.0");
  say(socket, 1);
  const payload = { reason: "trimmed", message: "", broadcast: false, after: "e.1", next: "e.4" };
  socket.say({ type: "tidings.gap", payload });
  say(socket, 4);
  setting.frames.draw();
  assert.equal(note.text, "1(2)4|");
});

test("only the latest updates are kept for those who come late", async () => {
  const setting = new Setting();
  const gaps: Gap[] = [];
  setting.store.onGap((gap) => gaps.push(gap));
  const socket = await setting.live("e.0,*b.0");
  for (let n = 1; n <= 6_000; n += 1) say(socket, n);
  setting.frames.draw();
  const [kept, lost] = [setting.note("*", "e.5000,*b.0"), setting.note("*", "e.1000,*b.0")];
  setting.frames.draw();
  assert.equal(kept.seen.length, 1_001);
  assert.ok(lost.seen.length <= 2_501);
  assert.deepEqual(
    gaps.map(({ reason, after }) => [reason, after]),
    [["trimmed", "e.1000,*b.0"]],
  );
});

test("a message that a child sends before its provider has mounted is sent, and none without a provider", async () => {
  const setting = new Setting();
  await assert.rejects(setting.store.send("stop", {}), { code: "closed" });
  const sending = setting.store.send("stop", { run: 1 });
  const socket = await setting.live("e.0,*b.0");
  const [{ id = "" } = {}] = socket.sent;
  socket.say({ type: "tidings.ack", id });
  await sending;
  assert.deepEqual(socket.sent, [{ type: "stop", payload: { run: 1 }, id }]);
});
