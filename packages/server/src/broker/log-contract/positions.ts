import { expect, test } from "bun:test";
import { ALL, append, draft, entries, type MakeLog, NoticeBoard, position, WIDE } from "./under-test.ts";

/** Where logs stand, and how they begin. */
export function describePositions(make: MakeLog): void {
  test("asking where a log stands begins it, so that one can resume from there", async () => {
    await using it = await make(WIDE);
    const start = await position(it.log, "ann");
    expect(start.n).toBe(0);
    expect(await position(it.log, "ann")).toEqual(start);
    const empty = await it.log.read("ann", start, ALL);
    expect(empty).toEqual({ outcome: "ok", top: start, first: 1, entries: [] });
    expect(await append(it.log, draft("ann", "1"))).toEqual({ epoch: start.epoch, n: 1 });
    expect(entries(await it.log.read("ann", start, ALL))).toEqual([[1, "1"]]);
  });

  test("the position of a log is that of its newest update", async () => {
    await using it = await make(WIDE);
    await append(it.log, draft("ann", "1"));
    const newest = await append(it.log, draft("ann", "2"));
    expect(await position(it.log, "ann")).toEqual(newest);
  });

  test("several logs answer in the order in which they were asked for, twice where asked twice", async () => {
    await using it = await make(WIDE);
    const ann = await append(it.log, draft("ann", "1"));
    const [first, bob, again, all] = await it.log.positions(["ann", "bob", "ann", "*"]);
    expect([first, again]).toEqual([ann, ann]);
    expect([bob?.n, all?.n]).toEqual([0, 0]);
    expect(bob?.epoch).not.toBe(all?.epoch ?? "");
    expect(await it.log.positions([])).toEqual([]);
  });

  test("beginning a log tells nothing to anybody", async () => {
    await using it = await make(WIDE);
    const board = await NoticeBoard.of(it);
    await position(it.log, "ann");
    await it.log.read("bob", "earliest", ALL);
    const { n } = await append(it.log, draft("ann", "1"));
    expect((await board.read(1)).map((notice) => notice.position.n)).toEqual([n]);
  });

  test("a log that was lost begins again in another epoch", async () => {
    await using it = await make(WIDE);
    const old = await append(it.log, draft("ann", "old"));
    await append(it.log, draft("bob", "kept"));
    await it.forget("ann");
    const next = await position(it.log, "ann");
    expect(next.n).toBe(0);
    expect(next.epoch).not.toBe(old.epoch);
    expect(await append(it.log, draft("ann", "new"))).toEqual({ epoch: next.epoch, n: 1 });
    const page = await it.log.read("ann", old, ALL);
    expect(page).toEqual({
      outcome: "epoch_changed",
      top: { epoch: next.epoch, n: 1 },
      first: 1,
      entries: [],
    });
    expect(entries(await it.log.read("bob", "earliest", ALL))).toEqual([[1, "kept"]]);
  });

  test("a log that was lost begins again in another epoch with an append, too", async () => {
    await using it = await make(WIDE);
    const old = await append(it.log, draft("ann", "old"));
    await it.forget("ann");
    const next = await append(it.log, draft("ann", "new"));
    expect(next.n).toBe(1);
    expect(next.epoch).not.toBe(old.epoch);
    expect(entries(await it.log.read("ann", "earliest", ALL))).toEqual([[1, "new"]]);
  });
}
