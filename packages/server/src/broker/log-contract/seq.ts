import { expect, test } from "bun:test";
import type { LogDraft, MissedUpdates } from "../update-log.ts";
import {
  ALL,
  append,
  appendNumbers,
  draft,
  holes,
  type MakeLog,
  NoticeBoard,
  WIDE,
  type LogUnderTest,
} from "./under-test.ts";

/** What producers' counters say. */
export function describeSeq(make: MakeLog): void {
  test("a hole in a producer's counter is told with the update that follows it, in reads and in the notice", async () => {
    await using it = await make(WIDE);
    const board = await NoticeBoard.of(it);
    await seqs(it, "p", [5, 6, 9, 10, 20]);
    const expected = [null, null, missed("p", 7, 8), null, missed("p", 11, 19)];
    expect(holes(await it.log.read("ann", "earliest", ALL))).toEqual(expected);
    expect((await board.read(5)).map((notice) => notice.missed)).toEqual(expected);
  });

  test("a hole is told whatever part of the log is read", async () => {
    await using it = await make(WIDE);
    await seqs(it, "p", [1, 2, 5]);
    const { top } = await it.log.read("ann", "earliest", ALL);
    const page = await it.log.read("ann", { epoch: top.epoch, n: 2 }, { updates: 1, bytes: 1 });
    expect(holes(page)).toEqual([missed("p", 3, 4)]);
  });

  test("a producer may have any name that JSON can spell", async () => {
    await using it = await make(WIDE);
    for (const producer of ["line\u2028separator", "\u2029", 'quote"\\back', "é😀", "\u0000"]) {
      await seqs(it, producer, [1, 3]);
      expect(holes(await it.log.read("ann", "earliest", ALL)).at(-1)).toEqual(missed(producer, 2, 2));
    }
  });

  test("the first number of a producer and one that goes back are a start, not a hole", async () => {
    await using it = await make(WIDE);
    await seqs(it, "p", [100, 101, 0, 1, 1, 2, 4]);
    expect(holes(await it.log.read("ann", "earliest", ALL))).toEqual([
      ...Array.from({ length: 6 }, () => null),
      missed("p", 3, 3),
    ]);
  });

  test("each producer counts by itself, the one without a name too", async () => {
    await using it = await make(WIDE);
    const drafts: readonly (readonly [string | null, number])[] = [
      ["p", 1],
      ["q", 7],
      [null, 3],
      ["p", 2],
      ["q", 9],
      [null, 6],
      ["null", 6],
      ["", 6],
      ["p", 3],
      ["", 8],
    ];
    for (const [producer, seq] of drafts) await append(it.log, numbered(producer, seq));
    expect(holes(await it.log.read("ann", "earliest", ALL))).toEqual([
      null,
      null,
      null,
      null,
      missed("q", 8, 8),
      missed(null, 4, 5),
      null,
      null,
      null,
      missed("", 7, 7),
    ]);
  });

  test("eight producers may take turns, whatever their names are", async () => {
    await using it = await make(WIDE);
    const names = ["p", 'quote"', "back\\slash", "né😀", "a b", "1", "{}", "line\nbreak"];
    const board = await NoticeBoard.of(it);
    for (const seq of [1, 2, 4]) {
      for (const name of names) await append(it.log, numbered(name, seq));
    }
    const expected = [...Array.from({ length: 16 }, () => null), ...names.map((name) => missed(name, 3, 3))];
    expect(holes(await it.log.read("ann", "earliest", ALL))).toEqual(expected);
    expect((await board.read(24)).map((notice) => notice.missed)).toEqual(expected);
  });

  test("a producer is the same one however its name is escaped", async () => {
    await using it = await make(WIDE);
    for (const [index, producer] of ['"pé"', '"\\u0070é"', '"p\\u00e9"'].entries()) {
      await append(it.log, draft("ann", "{}", { producer, seq: 2 * index }));
    }
    expect(holes(await it.log.read("ann", "earliest", ALL))).toEqual([
      null,
      missed("pé", 1, 1),
      missed("pé", 3, 3),
    ]);
  });

  test("more producers than are remembered are never told a hole that is none", async () => {
    await using it = await make(WIDE);
    for (const seq of [1, 2, 3]) {
      for (let index = 0; index < 20; index += 1) await append(it.log, numbered(`p${index}`, seq));
    }
    expect(holes(await it.log.read("ann", "earliest", ALL)).every((hole) => hole === null)).toBe(true);
  });

  test("a counter is remembered when its update has left the log, and updates without one change nothing", async () => {
    await using it = await make({ ...WIDE, updates: 2 });
    await append(it.log, numbered("p", 1));
    await append(it.log, draft("ann", "{}", { producer: '"p"' }));
    await appendNumbers(it.log, "ann", 1, 50);
    await append(it.log, numbered("p", 4));
    expect(holes(await it.log.read("ann", "earliest", ALL))).toEqual([null, missed("p", 2, 3)]);
  });

  test("a draft that comes again moves no counter", async () => {
    await using it = await make(WIDE);
    await append(it.log, { ...numbered("p", 1), id: '"a"' });
    await append(it.log, numbered("p", 2));
    await append(it.log, { ...numbered("p", 1), id: '"a"' });
    await append(it.log, numbered("p", 4));
    expect(holes(await it.log.read("ann", "earliest", ALL))).toEqual([null, null, missed("p", 3, 3)]);
  });

  test("a counter belongs to one log, and one append knows the numbers before it", async () => {
    await using it = await make(WIDE);
    await it.log.append([
      numbered("p", 1),
      { ...numbered("p", 5), target: "bob" },
      numbered("p", 3),
      { ...numbered("p", 6), target: "bob" },
    ]);
    expect(holes(await it.log.read("ann", "earliest", ALL))).toEqual([null, missed("p", 2, 2)]);
    expect(holes(await it.log.read("bob", "earliest", ALL))).toEqual([null, null]);
  });

  test("the largest numbers count exactly", async () => {
    await using it = await make(WIDE);
    const max = Number.MAX_SAFE_INTEGER;
    await seqs(it, "p", [0, max - 2, max]);
    expect(holes(await it.log.read("ann", "earliest", ALL))).toEqual([
      null,
      missed("p", 1, max - 3),
      missed("p", max - 1, max - 1),
    ]);
  });

  test("a log that was lost has forgotten its counters", async () => {
    await using it = await make(WIDE);
    await seqs(it, "p", [1]);
    await it.forget("ann");
    await seqs(it, "p", [9, 11]);
    expect(holes(await it.log.read("ann", "earliest", ALL))).toEqual([null, missed("p", 10, 10)]);
  });
}

function numbered(name: string | null, seq: number): LogDraft {
  return draft("ann", "{}", { producer: name === null ? null : JSON.stringify(name), seq });
}

function missed(producer: string | null, from: number, to: number): MissedUpdates {
  return { producer, from, to };
}

async function seqs(it: LogUnderTest, producer: string, numbers: readonly number[]): Promise<void> {
  for (const seq of numbers) await append(it.log, numbered(producer, seq));
}
