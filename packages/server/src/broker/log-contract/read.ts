import { expect, test } from "bun:test";
import {
  ALL,
  append,
  appendNumbers,
  draft,
  entries,
  type MakeLog,
  position,
  shown,
  WIDE,
} from "./under-test.ts";

/** Pages, and the outcomes other than a bound's. */
export function describeRead(make: MakeLog): void {
  test("a read gives what follows a position, in order and nothing else", async () => {
    await using it = await make(WIDE);
    const top = await appendNumbers(it.log, "ann", 1, 10);
    const after = (n: number): Promise<readonly (readonly [number, string])[]> =>
      it.log.read("ann", { epoch: top.epoch, n }, ALL).then(entries);
    expect(await after(7)).toEqual([
      [8, "8"],
      [9, "9"],
      [10, "10"],
    ]);
    expect(await after(9)).toEqual([[10, "10"]]);
    expect(await after(10)).toEqual([]);
    expect(await after(0)).toEqual(Array.from({ length: 10 }, (_, at) => [at + 1, String(at + 1)] as const));
    expect(await it.log.read("ann", top, ALL)).toEqual({ outcome: "ok", top, first: 1, entries: [] });
  });

  test("a page ends at its number of updates, and the next one goes on where it ended", async () => {
    await using it = await make(WIDE);
    const top = await appendNumbers(it.log, "ann", 1, 10);
    const seen = [];
    for (let n = 0; n < top.n;) {
      const page = await it.log.read("ann", { epoch: top.epoch, n }, { updates: 4, bytes: 1_000 });
      expect([page.outcome, page.top, page.first]).toEqual(["ok", top, 1]);
      seen.push(page.entries.map(shown).map(([number]) => number));
      n = page.entries.at(-1)?.n ?? top.n;
    }
    expect(seen).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10],
    ]);
  });

  test("a page ends at its bytes, and has at least one update where there is one", async () => {
    await using it = await make(WIDE);
    for (const length of [10, 10, 10, 500, 10]) await append(it.log, draft("ann", "x".repeat(length)));
    const { epoch } = await position(it.log, "ann");
    const lengths = async (n: number, updates: number, bytes: number): Promise<number[]> =>
      (await it.log.read("ann", { epoch, n }, { updates, bytes })).entries.map(({ frame }) => frame.length);
    expect(await lengths(0, 100, 30)).toEqual([10, 10, 10]);
    expect(await lengths(0, 100, 29)).toEqual([10, 10]);
    expect(await lengths(0, 100, 100)).toEqual([10, 10, 10]);
    expect(await lengths(3, 100, 100)).toEqual([500]);
    expect(await lengths(3, 100, 0)).toEqual([500]);
    expect(await lengths(0, 1, 1_000)).toEqual([10]);
    expect(await lengths(3, 100, 510)).toEqual([500, 10]);
  });

  test("a read from the earliest gives all that is held, in pages as well", async () => {
    await using it = await make({ ...WIDE, updates: 5 });
    const top = await appendNumbers(it.log, "ann", 1, 8);
    const page = await it.log.read("ann", "earliest", { updates: 2, bytes: 1_000 });
    expect(entries(page)).toEqual([
      [4, "4"],
      [5, "5"],
    ]);
    expect([page.top, page.first]).toEqual([top, 4]);
    expect(entries(await it.log.read("ann", "earliest", ALL)).map(([n]) => n)).toEqual([4, 5, 6, 7, 8]);
  });

  test("a read of a log that does not exist begins it", async () => {
    await using it = await make(WIDE);
    const earliest = await it.log.read("ann", "earliest", ALL);
    expect([earliest.outcome, earliest.top.n, earliest.first, earliest.entries]).toEqual(["ok", 0, 1, []]);
    expect(await position(it.log, "ann")).toEqual(earliest.top);
    const after = await it.log.read("bob", { epoch: "elsewhere", n: 3 }, ALL);
    expect([after.outcome, after.top.n, after.first, after.entries]).toEqual(["epoch_changed", 0, 1, []]);
    expect(await position(it.log, "bob")).toEqual(after.top);
  });

  test("a position beyond the newest update is ahead, and gives nothing", async () => {
    await using it = await make(WIDE);
    const top = await appendNumbers(it.log, "ann", 1, 3);
    for (const n of [4, 1_000, Number.MAX_SAFE_INTEGER]) {
      const page = await it.log.read("ann", { epoch: top.epoch, n }, ALL);
      expect(page).toEqual({ outcome: "ahead", top, first: 1, entries: [] });
    }
  });

  test("a position of another epoch, or of another user, gives nothing", async () => {
    await using it = await make(WIDE);
    const ann = await appendNumbers(it.log, "ann", 1, 3);
    const bob = await appendNumbers(it.log, "bob", 1, 3);
    for (const epoch of [bob.epoch, "x", ann.epoch.slice(0, -1), ann.epoch.toUpperCase().concat("Z")]) {
      for (const n of [0, 2, 9]) {
        const page = await it.log.read("ann", { epoch, n }, ALL);
        expect(page).toEqual({ outcome: "epoch_changed", top: ann, first: 1, entries: [] });
      }
    }
  });
}
