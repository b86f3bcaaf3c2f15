import { expect, test } from "bun:test";
import fc from "fast-check";
import { TokenBucket } from "./token-bucket.ts";

test("a bucket lets its burst through at once and its rate in the long run, for any sequence of times", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.nat({ max: 3_000 }), { minLength: 1, maxLength: 300 }),
      (perSecond, burst, waits) => {
        const bucket = new TokenBucket({ perSecond, burst }, 0);
        let now = 0;
        let taken = 0;
        for (const wait of waits) {
          now += wait;
          if (bucket.take(now)) taken += 1;
          expect(taken).toBeLessThanOrEqual(burst + (now / 1_000) * perSecond + 1e-6);
        }
      },
    ),
  );
});

test("a full bucket gives exactly its burst", () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 3 }, 0);
  expect([0, 0, 0, 0].map((now) => bucket.take(now))).toEqual([true, true, true, false]);
  expect(bucket.take(999)).toBe(false);
  expect(bucket.take(1_000)).toBe(true);
});
