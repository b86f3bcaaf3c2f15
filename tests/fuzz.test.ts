import { afterAll, beforeAll, expect, test } from "bun:test";
import { fuzz, targets } from "../fuzz/fuzz.ts";
import { Victim } from "../fuzz/victim.ts";

// The short form of `npm run fuzz`: always the same inputs, so that a failure is the change's and not chance's.

const SEED = 20_261_123;

/** Rounds of 20 inputs for each target: what a minute has room for on two busy cores. */
const ROUNDS = 30;

/** What the relay may have more of at the end, for everything it keeps of the inputs' users and for the runtime. */
const ROOM_BYTES = 128 * 1_048_576;

let victim: Victim;
beforeAll(async () => {
  victim = await Victim.start();
});
afterAll(() => victim[Symbol.asyncDispose]());

for (const target of targets) {
  test(`whatever the ${target.name} target is fed, promises hold, the relay lives, and an honest client misses nothing`, async () => {
    const before = await victim.memory();
    const { cases, findings } = await fuzz(victim, {
      seed: SEED,
      targets: [target],
      goesOn: (round) => round < ROUNDS,
    });
    expect(findings).toEqual([]);
    expect(cases[target.name]).toBeGreaterThanOrEqual(ROUNDS * 20);
    expect((await victim.memory()) - before).toBeLessThan(ROOM_BYTES);
  });
}
