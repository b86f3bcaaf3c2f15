import { expect, test } from "bun:test";
import { ALL, append, appendNumbers, draft, entries, type MakeLog, NoticeBoard, WIDE } from "./under-test.ts";

/** Drafts that come twice. */
export function describeIds(make: MakeLog): void {
  test("a draft with a known id is answered with its first position, and neither stored nor told again", async () => {
    await using it = await make(WIDE);
    const board = await NoticeBoard.of(it);
    const first = await append(it.log, draft("ann", '"first"', { id: '"a"' }));
    await append(it.log, draft("ann", '"between"'));
    expect(await append(it.log, draft("ann", '"again"', { id: '"a"' }))).toEqual(first);
    await append(it.log, draft("ann", '"after"'));
    const expected = [
      [1, '"first"'],
      [2, '"between"'],
      [3, '"after"'],
    ] as const;
    expect(entries(await it.log.read("ann", "earliest", ALL))).toEqual(expected);
    const notices = await board.read(3);
    expect(notices.map(({ position, frame }) => [position.n, frame] as const)).toEqual([...expected]);
  });

  test("a draft that comes twice in one append is stored once", async () => {
    await using it = await make(WIDE);
    const board = await NoticeBoard.of(it);
    const positions = await it.log.append([
      draft("ann", "1", { id: "7" }),
      draft("ann", "2"),
      draft("ann", "3", { id: "7" }),
      draft("ann", "4"),
    ]);
    expect(positions.map(({ n }) => n)).toEqual([1, 2, 1, 3]);
    expect((await board.read(3)).map(({ frame }) => frame)).toEqual(["1", "2", "4"]);
  });

  test("drafts that come twice at once are stored once", async () => {
    await using it = await make(WIDE);
    const ids = Array.from({ length: 50 }, (_, index) => `"${index % 5}"`);
    const positions = await Promise.all(ids.map((id) => append(it.log, draft("ann", id, { id }))));
    expect(new Set(positions.map(({ n }) => n)).size).toBe(5);
    const page = await it.log.read("ann", "earliest", ALL);
    expect(page.top.n).toBe(5);
    for (const [index, { n }] of positions.entries())
      expect(entries(page)[n - 1]?.[1]).toBe(ids[index] ?? "");
  });

  test("ids count by their JSON text and for one log each", async () => {
    await using it = await make(WIDE);
    const long = `"${"é".repeat(127)}"`;
    const ids = ['"1"', "1", "1.0", '""', '"a b"', '"\\u0061"', '"}"', long];
    for (const target of ["ann", "bob", "*"]) {
      const positions = await it.log.append(ids.map((id) => draft(target, "{}", { id })));
      expect(positions.map(({ n }) => n)).toEqual(ids.map((_, index) => index + 1));
      expect(await it.log.append(ids.map((id) => draft(target, "{}", { id })))).toEqual(positions);
    }
  });

  test("an id is known after its update has left the log", async () => {
    await using it = await make({ ...WIDE, updates: 3 });
    const first = await append(it.log, draft("ann", "0", { id: '"a"' }));
    await appendNumbers(it.log, "ann", 1, 200);
    expect(await append(it.log, draft("ann", "0", { id: '"a"' }))).toEqual(first);
  });

  test("an id of a log that was lost is not known in the next epoch", async () => {
    await using it = await make(WIDE);
    const first = await append(it.log, draft("ann", "{}", { id: '"a"' }));
    await it.forget("ann");
    const second = await append(it.log, draft("ann", "{}", { id: '"a"' }));
    expect(second.n).toBe(1);
    expect(second.epoch).not.toBe(first.epoch);
    expect(await append(it.log, draft("ann", "{}", { id: '"a"' }))).toEqual(second);
  });
}
