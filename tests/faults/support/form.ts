const isFull = process.env["TIDINGS_FAULTS"] === "full";

/** How long one case may take, in milliseconds: a guard against a hang, no promise of speed. */
export const FAULT_TIMEOUT_MS: number = isFull ? 600_000 : 120_000;

/** The full form's value where `TIDINGS_FAULTS=full`, else the short form's, which CI runs. */
export function sized<T>(short: T, full: T): T {
  return isFull ? full : short;
}

/** Prints a figure that a case found out. */
export function figure(name: string, value: string): void {
  process.stderr.write(`    ${name}: ${value}\n`);
}

/** Numbers from 0 to below 1. */
export type Random = () => number;

/**
 * Chance that can be had again: the seed is that of `TIDINGS_FAULTS_SEED`, else a new one, and is printed. The generator is
 * mulberry32.
 */
export function seededRandom(name: string): Random {
  const given = process.env["TIDINGS_FAULTS_SEED"];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  figure(name, `TIDINGS_FAULTS_SEED=${seed}`);
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
