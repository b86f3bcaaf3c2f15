import { expect, test } from "bun:test";
import fc from "fast-check";
import { Restarts } from "./restarts.ts";

const MINUTE = 60_000;

/** The waits after so many early deaths in a row. */
function waits(deaths: number, random: () => number): (number | null)[] {
  const restarts = new Restarts(random);
  return Array.from({ length: deaths }, () => restarts.afterLife(1_000));
}

test("the first death is mended at once, the next ones ever later, and the fifth early one not at all", () => {
  expect(waits(5, () => 1)).toEqual([0, 500, 1_000, 2_000, null]);
  expect(waits(5, () => 0)).toEqual([0, 250, 500, 1_000, null]);
});

test("a worker that lived for a minute begins a new row", () => {
  const restarts = new Restarts(() => 1);
  const lives = [0, 0, 0, 0, MINUTE, MINUTE - 1, 0, 0, MINUTE, 0];
  const waits = lives.map((lived) => restarts.afterLife(lived));
  expect(waits).toEqual([0, 500, 1_000, 2_000, 0, 500, 1_000, 2_000, 0, 500]);
});

test("five deaths in a row are given up exactly where none of the last four lives was sound", () => {
  const lives = fc.array(fc.integer({ min: 0, max: 2 * MINUTE }), { maxLength: 12 });
  fc.assert(
    fc.property(lives, (lived) => {
      const restarts = new Restarts(Math.random);
      let early = 0;
      for (const life of lived) {
        early = life >= MINUTE ? 1 : early + 1;
        const wait = restarts.afterLife(life);
        expect(wait === null).toBe(early >= 5);
        if (wait === null) return;
        expect(wait).toBeLessThanOrEqual(2_000);
      }
    }),
  );
});
