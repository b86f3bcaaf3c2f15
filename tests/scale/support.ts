import type { Load, LoadReport } from "../../bench/load/load.ts";
import { processCost } from "../../bench/process-cost.ts";
import { eventually } from "../support/eventually.ts";

const isFull = process.env["TIDINGS_SCALE"] === "full";

/** How long one of these tests may take, in milliseconds: a guard against a hang, no promise of speed. */
export const SCALE_TIMEOUT_MS: number = isFull ? 600_000 : 180_000;

/** How long one step may take, in milliseconds. */
export const STEP_PATIENCE_MS = 60_000;

const MIB = 1_048_576;
const SAMPLE_MS = 100;
const SETTLED_SHARE = 0.005;
const SETTLE_ROUNDS = 15;

/** The long form's value where `TIDINGS_SCALE=full`, else the short form's. */
export function sized<T>(short: T, full: T): T {
  return isFull ? full : short;
}

/** Prints a figure that a test found out and asserts nothing about, or only generously. */
export function figure(name: string, value: string): void {
  process.stderr.write(`    ${name}: ${value}\n`);
}

/** Bytes as MiB, for people. */
export function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

/** Watches a process's resident memory, ten times a second, and keeps the highest. */
export class MemoryWatch implements Disposable {
  highest = 0;
  readonly #timer: Timer;

  constructor(pid: number) {
    const look = (): void => {
      this.highest = Math.max(this.highest, processCost.residentBytes(pid));
    };
    look();
    this.#timer = setInterval(look, SAMPLE_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** A process's resident memory once it stands still for a second, or after 15 s where it never does. */
export async function settledMemory(pid: number): Promise<number> {
  let last = processCost.residentBytes(pid);
  for (let round = 0; round < SETTLE_ROUNDS; round += 1) {
    await Bun.sleep(1_000);
    const now = processCost.residentBytes(pid);
    if (Math.abs(now - last) < last * SETTLED_SHARE) return now;
    last = now;
  }
  return last;
}

/** Resolves with a load's report once it received `count` updates since its last mark. */
export async function received(load: Load, count: number): Promise<LoadReport> {
  let seen = 0;
  await eventually(
    `${count} updates came`,
    async () => {
      seen = (await load.call("count", null)).frames;
      return seen >= count;
    },
    STEP_PATIENCE_MS,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)} (${seen} did)`, { cause: error });
  });
  return load.call("report", null);
}
