import { parseArgs } from "node:util";
import { systems } from "./systems/catalog.ts";
import type { System } from "./systems/system.ts";
import { workloads } from "./workloads/catalog.ts";
import type { Effort, Workload } from "./workloads/workload.ts";

/** What a run of the bench is to do. */
export interface BenchOptions {
  readonly isFull: boolean;
  readonly workloads: readonly Workload[];
  readonly systems: readonly System[];
  readonly rounds: number;
  readonly sizes: readonly number[];
  readonly effort: Effort;
  /** Folder that the report is written to. */
  readonly out: string | null;
}

const EFFORTS: Readonly<Record<"short" | "full", Effort>> = {
  short: { seconds: 2, idleSeconds: 10, trials: 7 },
  full: { seconds: 3, idleSeconds: 60, trials: 10 },
};
/** Measured only where it is asked for: the same relay as another, and another way to publish. */
const BY_REQUEST = "tidings-fcall";
const SHORT_SYSTEMS: ReadonlySet<string> = new Set(["tidings", "seed-go", "floor", "tidings-history"]);

/** How to call the bench. */
export const USAGE: string = `npm run bench -- [options]
  --full               every workload and system, five rounds; two of them at a quarter and half the size, too
  --only <a,b>         these workloads: ${workloads.map(({ key }) => key).join(", ")}
  --systems <a,b>      these systems: ${systems.map(({ key }) => key).join(", ")}
  --rounds <n>         so many rounds: one in the short form, five in the full
  --sizes <a,b>        these shares of the full size, such as 0.1,1
  --seconds <n>        seconds of each stream, and of idling
  --out <folder>       where the report goes; bench/ unless given
  --again <a,b>        makes the report anew from the data of an earlier run, or of several`;

/**
 * Reads the command line.
 * @throws {TypeError} one sentence, where something in it is unknown or cannot be.
 */
export function readOptions(words: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      full: { type: "boolean", default: false },
      only: { type: "string" },
      systems: { type: "string" },
      rounds: { type: "string" },
      sizes: { type: "string" },
      seconds: { type: "string" },
      out: { type: "string" },
      again: { type: "string" },
    },
  });
  const isFull = values.full;
  const effort = EFFORTS[isFull ? "full" : "short"];
  const seconds = values.seconds === undefined ? null : positive("--seconds", values.seconds);
  return {
    isFull,
    workloads: pick("workload", workloads, values.only, ({ isShort }) => isFull || isShort === true),
    systems: pick("system", systems, values.systems, ({ key }) =>
      isFull ? key !== BY_REQUEST : SHORT_SYSTEMS.has(key),
    ),
    rounds: values.rounds === undefined ? (isFull ? 5 : 1) : Math.round(positive("--rounds", values.rounds)),
    sizes:
      values.sizes?.split(",").map((size) => positive("--sizes", size)) ?? (isFull ? [0.25, 0.5, 1] : [1]),
    effort: seconds === null ? effort : { ...effort, seconds, idleSeconds: seconds },
    out: values.out ?? null,
  };
}

function pick<Item extends { readonly key: string }>(
  what: string,
  all: readonly Item[],
  names: string | undefined,
  isUsual: (item: Item) => boolean,
): readonly Item[] {
  if (names === undefined) return all.filter(isUsual);
  const keys = names.split(",");
  const unknown = keys.find((key) => !all.some((item) => item.key === key));
  if (unknown !== undefined) {
    throw new TypeError(`there is no ${what} "${unknown}", but ${all.map(({ key }) => key).join(", ")}`);
  }
  return all.filter(({ key }) => keys.includes(key));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new TypeError(`${name} must be a number above 0, and is "${text}"`);
  return value;
}
