import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Revocable, type Revocation, revocationText } from "./revocation.ts";
import { RevocationTable } from "./revocation-table.ts";

function tableOf(...revocations: readonly (readonly [Revocation, number])[]): RevocationTable {
  const table = new RevocationTable();
  for (const [revocation, endsAt] of revocations) table.set(revocationText(revocation), endsAt, 0);
  return table;
}

const ann: Revocable = { userId: "ann", tokenId: "t1", issuedAt: 100 };

describe("a table of revocations", () => {
  test.each([
    ["its id", { jti: "t1" }, true],
    ["another id", { jti: "t2" }, false],
    ["its user", { user_id: "ann" }, true],
    ["another user", { user_id: "bob" }, false],
    ["a user of the name of its id", { user_id: "t1" }, false],
    ["what was issued when it was", { issued_before: 100 }, true],
    ["what was issued before it", { issued_before: 99.9 }, false],
    ["what was issued to its user when it was", { user_id: "ann", issued_before: 100 }, true],
    ["what was issued to another user", { user_id: "bob", issued_before: 100 }, false],
  ] as const)("covers a token by %s: %j is %p", (_, revocation, expected) => {
    expect(tableOf([revocation, 10]).covers(ann, 9)).toBe(expected);
  });

  test("covers a token that does not say when it was issued by any time of issue", () => {
    expect(tableOf([{ issued_before: 0 }, 10]).covers({ userId: "ann" }, 9)).toBe(true);
    expect(tableOf([{ jti: "t1" }, 10]).covers({ userId: "ann" }, 9)).toBe(false);
  });

  test("covers nothing from a revocation's end on, purged or not, and is empty once it is purged", () => {
    const table = tableOf([{ jti: "t1" }, 10], [{ user_id: "ann" }, 10], [{ issued_before: 100 }, 10]);
    expect(table.covers(ann, 10)).toBe(false);
    expect(table.size).toBe(3);
    table.purge(10);
    expect([table.size, table.covers(ann, 9)]).toEqual([0, false]);
  });

  test("tells what is a revocation from what is none", () => {
    expect(new RevocationTable().set("{}", 10, 0)).toBeNull();
  });

  test("says what a plain list of the revocations would say, whatever was set and lifted", () => {
    const time = fc.integer({ min: 0, max: 6 });
    const user = fc.constantFrom("ann", "bob");
    const revocation: fc.Arbitrary<Revocation> = fc.oneof(
      fc.record({ user_id: user }),
      fc.record({ jti: fc.constantFrom("t1", "t2") }),
      fc.record({ issued_before: time }),
      fc.record({ user_id: user, issued_before: time }),
    );
    const token: fc.Arbitrary<Revocable> = fc.record(
      { userId: user, tokenId: fc.constantFrom("t1", "t2"), issuedAt: time },
      { requiredKeys: ["userId"] },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(revocation, time)), token, time, (sets, subject, now) => {
        const list = new Map(sets.map(([it, endsAt]) => [revocationText(it), { it, endsAt }]));
        const expected = [...list.values()].some(({ it, endsAt }) => endsAt > now && isAbout(it, subject));
        expect(tableOf(...sets).covers(subject, now)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});

function isAbout(it: Revocation, { userId, tokenId, issuedAt = -1 }: Revocable): boolean {
  if (it.jti !== undefined) return it.jti === tokenId;
  if (it.user_id !== undefined && it.user_id !== userId) return false;
  return it.issued_before === undefined || issuedAt <= it.issued_before;
}
