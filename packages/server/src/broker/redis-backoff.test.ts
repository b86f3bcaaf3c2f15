import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { retryDelay } from "./redis-backoff.ts";

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("retryDelay", () => {
  test("the first retry comes within 50 ms", () => {
    fc.assert(
      fc.property(chance, (random) => {
        const delay = retryDelay(0, () => random);
        expect(delay >= 0 && delay <= 50).toBe(true);
      }),
    );
  });

  test("no retry waits longer than a second, and none after a failed one comes at once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), chance, (failures, random) => {
        const delay = retryDelay(failures, () => random);
        expect(delay >= 50 && delay <= 1_000).toBe(true);
      }),
    );
  });

  test("the waits double until they reach the cap", () => {
    const longest = [1, 2, 3, 4, 5, 6].map((failures) => retryDelay(failures, () => 1));
    expect(longest).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });
});
