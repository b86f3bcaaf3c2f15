import { expect, test } from "bun:test";
import { eventually } from "../../../../../tests/support/eventually.ts";
import type { Lease } from "../update-log.ts";
import { LeaseLost } from "../update-log.ts";
import { append, draft, type MakeLog, NoticeBoard, rejection, WIDE } from "./under-test.ts";

const LONG_MS = 30_000;
/** Long enough for a few calls, short enough to wait for its end. */
const SHORT_MS = 300;

/** Who may append. */
export function describeLease(make: MakeLog): void {
  test("one holder has the lease at a time", async () => {
    await using it = await make(WIDE);
    const leases = await Promise.all(["a", "b", "c"].map((holder) => it.log.lease(holder, LONG_MS)));
    expect(leases.filter(({ isHeld }) => isHeld).length).toBe(1);
    const winner = ["a", "b", "c"][leases.findIndex(({ isHeld }) => isHeld)] ?? "";
    expect((await it.log.lease(winner, LONG_MS)).isHeld).toBe(true);
    expect((await it.log.lease("d", LONG_MS)).isHeld).toBe(false);
  });

  test("who renews the lease has it longer, and the lease it had before still appends", async () => {
    await using it = await make(WIDE);
    const first = await it.log.lease("a", LONG_MS);
    const second = await it.log.lease("a", 2 * LONG_MS);
    expect(second.deadline).toBeGreaterThan(first.deadline);
    for (const lease of [first, second]) await it.log.append([draft("ann", "{}")], lease);
    expect((await append(it.log, draft("ann", "{}"))).n).toBe(3);
  });

  test("a lease that was given back is free at once, and nobody gives back another's", async () => {
    await using it = await make(WIDE);
    await it.log.lease("a", LONG_MS);
    await it.log.release("b");
    expect((await it.log.lease("b", LONG_MS)).isHeld).toBe(false);
    await it.log.release("a");
    await it.log.release("a");
    expect((await it.log.lease("b", LONG_MS)).isHeld).toBe(true);
  });

  test("a lease that was not renewed goes to another, and by then its first holder appends nothing", async () => {
    await using it = await make(WIDE);
    const board = await NoticeBoard.of(it);
    const old = await it.log.lease("a", SHORT_MS);
    let next: Lease = old;
    await eventually("another has the lease", async () => {
      next = await it.log.lease("b", LONG_MS);
      return next.isHeld;
    });
    const lost = await rejection(it.log.append([draft("ann", "old"), draft("bob", "old")], old));
    expect(lost).toBeInstanceOf(LeaseLost);
    expect((await it.log.append([draft("ann", "new")], next)).map(({ n }) => n)).toEqual([1]);
    expect((await it.log.positions(["bob"])).map(({ n }) => n)).toEqual([0]);
    expect((await board.read(1)).map(({ frame }) => frame)).toEqual(["new"]);
    expect((await it.log.lease("a", LONG_MS)).isHeld).toBe(false);
  });

  test("a lease that is not held appends nothing", async () => {
    await using it = await make(WIDE);
    await it.log.lease("a", LONG_MS);
    const refused = await it.log.lease("b", LONG_MS);
    expect(await rejection(it.log.append([draft("ann", "{}")], refused))).toBeInstanceOf(LeaseLost);
    expect((await append(it.log, draft("ann", "{}"))).n).toBe(1);
  });

  test("who appends without a lease is not asked for one", async () => {
    await using it = await make(WIDE);
    await it.log.lease("a", LONG_MS);
    expect((await append(it.log, draft("ann", "{}"))).n).toBe(1);
  });
}
