import { corpusOf, keep } from "./corpus.ts";
import { Dice } from "./dice.ts";
import { mutated } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";
import { framesTarget } from "./targets/frames.ts";
import { handshakeTarget } from "./targets/handshake.ts";
import { redisPortTarget } from "./targets/redis-port.ts";
import { resumeTarget } from "./targets/resume.ts";
import { settingsTarget } from "./targets/settings.ts";
import { updatesTarget } from "./targets/updates.ts";
import type { Victim } from "./victim.ts";

/** Everything that is fuzzed. */
export const targets: readonly FuzzTarget[] = [
  handshakeTarget,
  framesTarget,
  updatesTarget,
  settingsTarget,
  redisPortTarget,
  resumeTarget,
];

/** An input that broke a promise. */
export interface Finding {
  readonly target: string;
  /** Where the input is kept. */
  readonly path: string;
  readonly message: string;
}

/** What a run came to. */
export interface FuzzReport {
  /** How many inputs each target was fed. */
  readonly cases: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

/** How a run is limited. */
export interface FuzzOptions {
  readonly seed: number;
  readonly targets: readonly FuzzTarget[];
  /** Asked before each round of all targets; false ends the run. */
  readonly goesOn: (round: number) => boolean;
}

/** Inputs that each target gets in one round, before the honest client is asked how it is. */
const CASES_A_ROUND = 20;

/** As many findings end a run: there is enough to mend. */
const MOST_FINDINGS = 20;

/** Feeds all targets in turn, the kept inputs first. What breaks a promise is kept and told; only a relay that is gone ends it. */
export async function fuzz(victim: Victim, options: FuzzOptions): Promise<FuzzReport> {
  const cases: Record<string, number> = Object.fromEntries(options.targets.map(({ name }) => [name, 0]));
  const findings: Finding[] = [];
  const feed = async (target: FuzzTarget, input: Uint8Array, dice: Dice): Promise<void> => {
    cases[target.name] = (cases[target.name] ?? 0) + 1;
    try {
      await target.feed(input, victim, dice);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const isKnown = findings.some((known) => known.target === target.name && known.message === message);
      if (!isKnown) findings.push({ target: target.name, path: keep(target.name, input), message });
    }
  };
  const settle = async (): Promise<void> => {
    for (const target of options.targets) {
      await target.settle?.(victim).catch((error: unknown) => {
        findings.push({ target: target.name, path: "what was counted", message: String(error) });
      });
    }
  };
  for (const target of options.targets) {
    const dice = new Dice(options.seed);
    for (const [, input] of corpusOf(target.name)) await feed(target, input, dice);
    await victim.isWell();
  }
  for (let round = 0; options.goesOn(round) && findings.length < MOST_FINDINGS; round += 1) {
    for (const [index, target] of options.targets.entries()) {
      const dice = new Dice(options.seed + round * 1_000_003 + index * 7_919);
      const kept = corpusOf(target.name).map(([, input]) => input);
      for (let count = 0; count < CASES_A_ROUND; count += 1) {
        const known = dice.oneIn(3) ? kept[dice.below(kept.length)] : undefined;
        const input = known ?? target.invent(dice);
        await feed(target, dice.oneIn(2) ? mutated(input, dice) : input, dice);
      }
      await victim.isWell();
    }
    if (round % 10 === 0) await settle();
  }
  await settle();
  return { cases, findings };
}
