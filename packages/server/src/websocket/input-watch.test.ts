import { expect, test } from "bun:test";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { InputWatch } from "./input-watch.ts";

const LATE_MS = 200;

/** Clients of these names, whose unread input a test sets. */
function stage(...names: string[]) {
  const clock = new ManualClock();
  const closed: string[] = [];
  const unread = new Map<string, number>();
  const clients = names.map((peer) => ({ peer, close: () => void closed.push(peer) }));
  let looks = 0;
  let lookMs = 0;
  const watch = new InputWatch({
    clock,
    clients: () => clients,
    readUnread: () => {
      looks += 1;
      clock.advance(lookMs);
      return new Map(unread);
    },
    onClosed: () => {},
  });
  const late = (delayMs = LATE_MS, apartMs = 300): void => {
    clock.advance(apartMs);
    watch.observe(delayMs);
  };
  return { closed, unread, late, looks: () => looks, lookTakes: (ms: number) => (lookMs = ms) };
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
  const { late, looks } = stage();
  for (let n = 0; n < 10; n += 1) late(10);
  expect(looks()).toBe(0);
  for (let n = 0; n < 10; n += 1) late(LATE_MS, 100);
  expect(looks()).toBeLessThanOrEqual(4);
});

test("looks that take long are rare, and still find a flooder", () => {
  const { closed, unread, late, looks, lookTakes } = stage("flooder");
  lookTakes(1_000);
  unread.set("flooder", 1);
  for (let second = 0; second < 20; second += 1) late(LATE_MS, 1_000);
  expect(looks()).toBe(2);
  for (let second = 0; second < 20; second += 1) late(LATE_MS, 1_000);
  expect(closed).toEqual(["flooder"]);
});

test("a process that stood still closes nobody for what came meanwhile", () => {
  const { closed, unread, late } = stage("patient");
  unread.set("patient", 1);
  for (let n = 0; n < 5; n += 1) late(20_000, 20_000);
  expect(closed).toEqual([]);
});
