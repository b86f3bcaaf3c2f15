import { expect, test } from "bun:test";
import { eventually } from "../../../../../tests/support/eventually.ts";
import {
  ALL,
  append,
  appendNumbers,
  draft,
  entries,
  type MakeLog,
  position,
  rejection,
  WIDE,
} from "./under-test.ts";

/** How long an update is held where a test waits for its end, in milliseconds. */
const SHORT_TTL_MS = 400;

/** Count, bytes and age. */
export function describeBounds(make: MakeLog): void {
  test("exactly the bounded number of updates can be read, and one that is gone is said to be", async () => {
    await using it = await make({ ...WIDE, updates: 7 });
    for (const total of [5, 7, 8, 30, 31, 200]) {
      const from = (await position(it.log, "ann")).n + 1;
      const top = await appendNumbers(it.log, "ann", from, total);
      const first = Math.max(1, total - 6);
      const held = Array.from({ length: total - first + 1 }, (_, at) => first + at);
      const page = await it.log.read("ann", "earliest", ALL);
      expect([page.top, page.first]).toEqual([top, first]);
      expect(entries(page).map(([n]) => n)).toEqual(held);
      const exact = await it.log.read("ann", { epoch: top.epoch, n: first - 1 }, ALL);
      expect(entries(exact).map(([n]) => n)).toEqual(held);
      if (first === 1) continue;
      const short = await it.log.read("ann", { epoch: top.epoch, n: first - 2 }, ALL);
      expect(short).toEqual({ outcome: "trimmed", top, first, entries: [] });
    }
  });

  test("more than the bound in one append leaves the newest", async () => {
    await using it = await make({ ...WIDE, updates: 3 });
    const top = await appendNumbers(it.log, "ann", 1, 10);
    expect(entries(await it.log.read("ann", "earliest", ALL)).map(([n]) => n)).toEqual([8, 9, 10]);
    expect((await it.log.read("ann", { epoch: top.epoch, n: 0 }, ALL)).outcome).toBe("trimmed");
  });

  test("the bytes held stay within a quarter over their bound, and are not far under it", async () => {
    const bytes = 64_000;
    await using it = await make({ ...WIDE, bytes });
    const sizes = [100, 1_000, 300, 20_000, 7, 900, 2_500];
    let total = 0;
    for (let count = 0; count < 300; count += 1) {
      const size = sizes[count % sizes.length] ?? 0;
      total += size;
      const top = await append(it.log, draft("ann", "x".repeat(size)));
      if (count % 10 !== 0) continue;
      const page = await it.log.read("ann", "earliest", ALL);
      expect(entries(page).at(-1)?.[0]).toBe(top.n);
      const held = page.entries.reduce((sum, { frame }) => sum + frame.length, 0);
      expect(held).toBeLessThanOrEqual(bytes * 1.25);
      expect(held).toBeGreaterThanOrEqual(Math.min(total, bytes / 2));
      if (page.first === 1) continue;
      const { outcome } = await it.log.read("ann", { epoch: top.epoch, n: page.first - 2 }, ALL);
      expect(outcome).toBe("trimmed");
    }
  });

  test("an update as large as the whole log is held, alone", async () => {
    await using it = await make({ ...WIDE, bytes: 10_000, maxUpdateBytes: 10_000 });
    await appendNumbers(it.log, "ann", 1, 20);
    await append(it.log, draft("ann", "x".repeat(10_000)));
    const page = await it.log.read("ann", "earliest", ALL);
    expect(page.entries.map(({ frame }) => frame.length)).toEqual([10_000]);
    expect(page.first).toBe(21);
  });

  test("an update that is too old is gone, and its log goes on in its epoch", async () => {
    await using it = await make({ ...WIDE, ttlMs: SHORT_TTL_MS });
    const old = await appendNumbers(it.log, "ann", 1, 3);
    await eventually("the updates are too old", async () => {
      await it.log.positions(["ann"]);
      return (await it.log.read("ann", { epoch: old.epoch, n: 0 }, ALL)).outcome !== "ok";
    });
    const page = await it.log.read("ann", { epoch: old.epoch, n: 0 }, ALL);
    expect(page).toEqual({ outcome: "trimmed", top: old, first: 4, entries: [] });
    expect(entries(await it.log.read("ann", old, ALL))).toEqual([]);
    expect(entries(await it.log.read("ann", "earliest", ALL))).toEqual([]);
    const next = await append(it.log, draft("ann", "4"));
    expect(next).toEqual({ epoch: old.epoch, n: 4 });
    expect(entries(await it.log.read("ann", old, ALL))).toEqual([[4, "4"]]);
  });

  test("a log that nobody asks for is forgotten in the end, or goes on: it never gives a hole", async () => {
    await using it = await make({ ...WIDE, ttlMs: SHORT_TTL_MS });
    const old = await appendNumbers(it.log, "ann", 1, 3);
    await eventually("the log or its updates are gone", async () => {
      return (await it.log.read("ann", { epoch: old.epoch, n: 0 }, ALL)).outcome !== "ok";
    });
    const { epoch, n } = await append(it.log, draft("ann", "next"));
    expect(epoch === old.epoch ? n : n + 3).toBe(4);
    const page = await it.log.read("ann", { epoch: old.epoch, n: 1 }, ALL);
    expect(page.outcome).toBe(epoch === old.epoch ? "trimmed" : "epoch_changed");
    expect(page.entries).toEqual([]);
  });

  test("a rejected read or append leaves nothing half done: the next one is whole", async () => {
    await using it = await make({ ...WIDE, updates: 3 });
    const lost = { isHeld: true, deadline: 1 };
    await rejection(it.log.append([draft("ann", "no"), draft("bob", "no")], lost));
    expect((await it.log.positions(["ann", "bob"])).map(({ n }) => n)).toEqual([0, 0]);
    expect((await appendNumbers(it.log, "ann", 1, 2)).n).toBe(2);
  });
}
