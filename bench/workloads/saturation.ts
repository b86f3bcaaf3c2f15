import type { Bed } from "../bed.ts";
import type { Outcome } from "./outcome.ts";
import { runStream, type StreamShape } from "./stream.ts";
import type { Workload } from "./workload.ts";

const P99_LIMIT_MS = 100;
const GROWTH = 1.6;
const START_RATE = 4_000;
const CONNECTIONS = 2_000;
const BUSY_USERS = 200;
/** How long what an overload left may take to come. */
const PAUSE_MS = 300;

function tokens(users: number, rate: number): StreamShape {
  return { firstUser: 1, users, rate, fanout: 1 };
}

function passes(outcome: Outcome): boolean {
  if (outcome.isVoid || outcome.fault !== null) return false;
  return (outcome.figures["p99"] ?? Number.POSITIVE_INFINITY) < P99_LIMIT_MS;
}

/** The highest rate that passes: grows it until it does not, then halves what is left, as often as `trials` allows. */
async function highestRate(bed: Bed, users: number, seconds: number, trials: number): Promise<Outcome> {
  let best = 0;
  let failed = Number.POSITIVE_INFINITY;
  let rate = START_RATE;
  let limit = "";
  let at: Outcome | null = null;
  for (let trial = 0; trial < trials; trial += 1) {
    let outcome = await runStream(bed, tokens(users, rate), seconds);
    if (!passes(outcome)) {
      // The machine may have had a bad moment: a rate is too high when it fails twice.
      await Bun.sleep(PAUSE_MS);
      outcome = await runStream(bed, tokens(users, rate), seconds);
    }
    if (passes(outcome)) {
      best = rate;
      at = outcome;
    } else {
      failed = rate;
      limit = outcome.isVoid ? outcome.reason : "";
      if (!outcome.isVoid && outcome.fault?.includes("closed") === true) break;
    }
    await Bun.sleep(PAUSE_MS);
    const next = failed === Number.POSITIVE_INFINITY ? rate * GROWTH : (best + failed) / 2;
    if (Math.abs(next - best) < best * 0.05) break;
    rate = Math.round(next);
  }
  if (at === null || at.isVoid) return { isVoid: true, reason: `no rate passed: ${limit}` };
  // Where the load gave way first, the system could do more than was found.
  return {
    isVoid: false,
    fault: null,
    figures: { ...at.figures, highest: best, isLoadLimited: limit === "" ? 0 : 1 },
  };
}

/** The highest rate of token streams that loses nothing and keeps p99 under 100 ms. */
export const saturation: Workload = {
  key: "saturation",
  title: "Highest rate of token streams to 200 busy users of 2,000, nothing lost and p99 under 100 ms",
  unit: "updates a second",
  main: "highest",
  isMoreBetter: true,
  scale: { of: "busy users", full: BUSY_USERS },
  async run(bed, { size, effort }) {
    await bed.fill(CONNECTIONS);
    const users = Math.round(BUSY_USERS * size);
    return highestRate(bed, users, effort.seconds, effort.trials);
  },
};

/** Where nothing is known of seed-go, its half is taken to be this. */
const SUPPOSED_HALF = 8_000;

/** Latency at a rate that is easy for all. */
export const latency: Workload = {
  key: "latency",
  title: "Latency at half of seed-go's highest rate",
  unit: "ms, p99 from publish to receipt",
  main: "p99",
  scale: { of: "busy users", full: BUSY_USERS },
  isOneSize: true,
  async run(bed, { effort, known }) {
    await bed.fill(CONNECTIONS);
    const highest = known(saturation.key, "seed-go", "highest");
    const rate = highest === null ? SUPPOSED_HALF : Math.round(highest / 2);
    const outcome = await runStream(bed, tokens(BUSY_USERS, rate), effort.seconds);
    return outcome.isVoid ? outcome : { ...outcome, figures: { ...outcome.figures, rate } };
  },
};
