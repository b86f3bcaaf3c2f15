import { expect, test } from "bun:test";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { InputWatch, type Look } from "./input-watch.ts";

const LATE_MS = 200;

/** Clients of these names, whose unread input a test sets, and how many pages of one millisecond a look reads for it. */
function stage(...names: string[]) {
  const clock = new ManualClock();
  const closed: string[] = [];
  const unread = new Map<string, number>();
  const clients = names.map((peer) => ({ peer, close: () => void closed.push(peer) }));
  const pages = { ofLook: 1, read: 0 };
  let begun = 0;
  let open = 0;
  const beginLook = (): Look => {
    begun += 1;
    open += 1;
    let left = pages.ofLook;
    return {
      read: (isEnough) => {
        while (left > 0) {
          clock.advance(1);
          pages.read += 1;
          left -= 1;
          if (isEnough() && left > 0) return null;
        }
        open -= 1;
        return new Map(unread);
      },
      close: () => void (open -= 1),
    };
  };
  const watch = new InputWatch({ clock, clients: () => clients, beginLook, onClosed: () => {} });
  /** Tells how long the watch held the event loop. */
  const late = (delayMs = LATE_MS, apartMs = 300): number => {
    clock.advance(apartMs);
    const before = clock.monotonic();
    watch.observe(delayMs);
    return clock.monotonic() - before;
  };
  return { closed, unread, pages, watch, late, begun: () => begun, open: () => open };
}

test("who has too much unread in three looks in a row is closed, and nobody else", () => {
  const { closed, unread, late } = stage("flooder", "busy", "idle");
  unread.set("flooder", 1).set("busy", 1).set("of another relay", 1);
  late();
  late();
  unread.delete("busy");
  expect(closed).toEqual([]);
  late();
  expect(closed).toEqual(["flooder"]);
});

test("nobody looks while the event loop is on time, nor again at once", () => {
  const { late, begun } = stage();
  for (let n = 0; n < 10; n += 1) late(10);
  expect(begun()).toBe(0);
  for (let n = 0; n < 10; n += 1) late(LATE_MS, 100);
  expect(begun()).toBe(4);
});

test("a look goes on for a twentieth of each delay, 5 ms at least and 100 ms at most", () => {
  const { late, pages } = stage();
  pages.ofLook = 1_000;
  const held = [60, 200, 1_000, 3_000, 9_000].map((delayMs) => late(delayMs));
  expect(held).toEqual([5, 10, 50, 100, 100]);
});

test("a flooder is found in three looks that each took many parts", () => {
  const { closed, unread, late, pages, begun } = stage("flooder", "busy");
  pages.ofLook = 35;
  unread.set("flooder", 1).set("busy", 1);
  for (let part = 0; part < 8; part += 1) expect(late()).toBeLessThanOrEqual(LATE_MS / 20);
  unread.delete("busy");
  for (let part = 0; part < 3; part += 1) late();
  expect(closed).toEqual([]);
  late();
  expect({ closed, begun: begun(), read: pages.read }).toEqual({ closed: ["flooder"], begun: 3, read: 105 });
});

test("a look that was begun goes on to its end while the event loop is on time again, and no other begins", () => {
  const { late, pages, begun, open } = stage();
  pages.ofLook = 20;
  expect(late()).toBe(10);
  expect([late(0), late(0), late(0)]).toEqual([5, 5, 0]);
  expect({ begun: begun(), open: open() }).toEqual({ begun: 1, open: 0 });
});

test("a look that a long stall broke off is dropped", () => {
  const { closed, unread, late, pages, begun, open } = stage("patient");
  unread.set("patient", 1);
  late();
  late();
  pages.ofLook = 200;
  late();
  late(20_000, 20_000);
  expect({ begun: begun(), open: open() }).toEqual({ begun: 4, open: 1 });
  for (let part = 0; part < 10; part += 1) late();
  expect({ closed, begun: begun(), open: open() }).toEqual({ closed: [], begun: 4, open: 0 });
});

test("a watch that is told to forget ends its look", () => {
  const { late, pages, watch, open } = stage();
  pages.ofLook = 35;
  late();
  expect(open()).toBe(1);
  watch.forget();
  watch.forget();
  expect(open()).toBe(0);
});

test("a process that stood still closes nobody for what came meanwhile", () => {
  const { closed, unread, late } = stage("patient");
  unread.set("patient", 1);
  for (let n = 0; n < 5; n += 1) late(20_000, 20_000);
  expect(closed).toEqual([]);
});
