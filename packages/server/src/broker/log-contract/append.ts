import { expect, test } from "bun:test";
import { logNotice } from "../log-notice.ts";
import {
  ALL,
  append,
  appendNumbers,
  draft,
  entries,
  type MakeLog,
  NoticeBoard,
  text,
  WIDE,
} from "./under-test.ts";

/** Targets in every form that a user id may have, and the one of broadcasts. */
const TARGETS = [
  "*",
  "ann",
  "né😀\u2028",
  "}",
  "{}",
  "a}:log",
  "{b",
  "with space",
  'quote"',
  "back\\slash",
  "tidings:{ann}:log",
  "%s\\n",
  "u".repeat(256),
  "é".repeat(128),
];

/** Numbering, order and notices. */
export function describeAppend(make: MakeLog): void {
  test("a log numbers its updates from 1 without a hole, each log by itself", async () => {
    await using it = await make(WIDE);
    const positions = [];
    for (const target of ["ann", "bob", "ann", "*", "ann", "bob"]) {
      positions.push(await append(it.log, draft(target, "{}")));
    }
    expect(positions.map(({ n }) => n)).toEqual([1, 1, 2, 1, 3, 2]);
    expect(positions.every(({ epoch }) => /^[A-Za-z0-9_-]{1,32}$/.test(epoch))).toBe(true);
    const [ann, bob, ann2, all] = positions.map(({ epoch }) => epoch);
    expect(ann2).toBe(ann ?? "");
    expect(new Set([ann, bob, all]).size).toBe(3);
  });

  test("one append stores all its drafts in their order, over several logs", async () => {
    await using it = await make(WIDE);
    const drafts = ["ann", "bob", "ann", "*", "ann"].map((target, index) => draft(target, `{"i":${index}}`));
    const positions = await it.log.append(drafts);
    expect(positions.map(({ n }) => n)).toEqual([1, 1, 2, 1, 3]);
    expect(entries(await it.log.read("ann", "earliest", ALL))).toEqual([
      [1, '{"i":0}'],
      [2, '{"i":2}'],
      [3, '{"i":4}'],
    ]);
    expect(entries(await it.log.read("*", "earliest", ALL))).toEqual([[1, '{"i":3}']]);
  });

  test("appending nothing stores nothing", async () => {
    await using it = await make(WIDE);
    expect(await it.log.append([])).toEqual([]);
  });

  test("appends made at once are each stored once, and told in the order of their numbers", async () => {
    await using it = await make(WIDE);
    const board = await NoticeBoard.of(it);
    const texts = Array.from({ length: 200 }, (_, index) => `{"i":${index}}`);
    const positions = await Promise.all(texts.map((frame) => append(it.log, draft("ann", frame))));
    expect(positions.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(texts.map((_, index) => index + 1));
    const held = entries(await it.log.read("ann", "earliest", ALL));
    expect(held.map(([, frame]) => frame).toSorted()).toEqual(texts.toSorted());
    const notices = await board.read(texts.length);
    expect(notices.map(({ position, frame }) => [position.n, frame] as const)).toEqual([...held]);
  });

  test("every target that may be has a log of its own", async () => {
    await using it = await make(WIDE);
    const board = await NoticeBoard.of(it);
    for (const [index, target] of TARGETS.entries()) {
      expect((await append(it.log, draft(target, `{"i":${index}}`))).n).toBe(1);
    }
    const positions = await it.log.positions(TARGETS);
    expect(positions.map(({ n }) => n)).toEqual(TARGETS.map(() => 1));
    for (const [index, target] of TARGETS.entries()) {
      const page = await it.log.read(target, "earliest", ALL);
      expect(entries(page)).toEqual([[1, `{"i":${index}}`]]);
    }
    const notices = await board.read(TARGETS.length);
    expect(notices.map(({ target }) => target)).toEqual(TARGETS);
    expect(notices.map(({ position }) => position)).toEqual([...positions]);
  });

  test("a frame keeps its bytes in the log and in the notice, given as text or as a view of bytes", async () => {
    await using it = await make(WIDE);
    const board = await NoticeBoard.of(it);
    const odd = '{"a":"é😀\u2028\\u0000\uFEFF","n":1e400}\r\n\t ';
    const bytes = Buffer.from(`[${odd}]`);
    const view = bytes.subarray(1, bytes.length - 1);
    const large = `"${"x".repeat(1_000_000)}"`;
    const frames = [odd, Uint8Array.from(view), view, "", large];
    for (const frame of frames) await append(it.log, draft("ann", frame));
    const page = await it.log.read("ann", "earliest", ALL);
    const expected = [odd, odd, odd, "", large];
    expect(page.entries.map(({ frame }) => text(frame)).map((got, index) => got === expected[index])).toEqual(
      expected.map(() => true),
    );
    const notices = await board.take(frames.length);
    const exact = expected.map((frame, index) =>
      logNotice("ann", { epoch: page.top.epoch, n: index + 1 }, null, frame),
    );
    expect(notices.map((notice, index) => Buffer.compare(notice, exact[index] ?? Buffer.alloc(0)))).toEqual(
      expected.map(() => 0),
    );
  });

  test("a notice is told after its update can be read", async () => {
    await using it = await make(WIDE);
    const board = await NoticeBoard.of(it);
    const appended = appendNumbers(it.log, "ann", 1, 3);
    const first = (await board.read(1)).map(({ position }) => position.n);
    const page = await it.log.read("ann", "earliest", ALL);
    expect(page.entries.slice(0, 1).map(({ n }) => n)).toEqual(first.slice(0, 1));
    await appended;
  });

  test("a log that is in doubt begins a new epoch, and leaves alone the others that were written since the start", async () => {
    await using it = await make(WIDE);
    const ann = await append(it.log, draft("ann", "1"));
    const bob = await append(it.log, draft("bob", "1"));
    await it.log.distrust("ann", ann.epoch);
    await it.log.distrust("bob", ann.epoch);
    expect((await it.log.read("ann", { ...ann, n: 0 }, ALL)).outcome).toBe("epoch_changed");
    const next = await append(it.log, draft("ann", "2"));
    expect(next.n).toBe(1);
    expect(next.epoch).not.toBe(ann.epoch);
    await it.log.distrust("ann", ann.epoch);
    expect((await it.log.positions(["ann"]))[0]).toEqual(next);
    expect(await append(it.log, draft("bob", "2"))).toEqual({ epoch: bob.epoch, n: 2 });
    expect(entries(await it.log.read("bob", { ...bob, n: 0 }, ALL))).toEqual([
      [1, "1"],
      [2, "2"],
    ]);
  });
}
