import { type Spread, spread } from "../sample.ts";
import type { Outcome } from "../workloads/outcome.ts";

/** What one run gave, and which run that was. */
export interface Finding {
  readonly round: number;
  readonly workload: string;
  readonly system: string;
  readonly size: number;
  readonly outcome: Outcome;
}

/** How a run was started. */
export interface BenchRun {
  readonly command: string;
  readonly rounds: number;
  /** How long each stream was. */
  readonly seconds: number;
}

/** Everything that one or several runs found, as it is kept beside the report. */
export interface BenchData {
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly runs: readonly BenchRun[];
  readonly findings: readonly Finding[];
}

/** What several runs on one machine found, as if it had been one run. */
export function joined(parts: readonly BenchData[]): BenchData {
  const [last] = parts.toReversed();
  if (last === undefined) throw new TypeError("there is nothing to join");
  return {
    ...last,
    versions: joinedVersions(parts.map(({ versions }) => versions)),
    runs: parts.flatMap(({ runs }) => runs),
    findings: parts.flatMap(({ findings }) => findings),
  };
}

/** Each system's version; all of them where runs had different ones. */
function joinedVersions(parts: readonly BenchData["versions"][]): BenchData["versions"] {
  const all = new Map<string, Set<string>>();
  for (const [system, version] of parts.flatMap(Object.entries)) {
    all.set(system, (all.get(system) ?? new Set()).add(version));
  }
  return Object.fromEntries([...all].map(([system, versions]) => [system, [...versions].join("; ")]));
}

/** The findings of one cell. */
export class Findings {
  readonly #all: readonly Finding[];

  constructor(all: readonly Finding[]) {
    this.#all = all;
  }

  /** What all rounds gave of one figure. */
  values(workload: string, system: string, size: number, figure: string): number[] {
    return this.#of(workload, system, size).flatMap(({ outcome }) => {
      const value = outcome.isVoid ? undefined : outcome.figures[figure];
      return value === undefined ? [] : [value];
    });
  }

  /** Their middle and spread; null where no round gave one. */
  spread(workload: string, system: string, size: number, figure: string): Spread | null {
    const values = this.values(workload, system, size, figure);
    return values.length === 0 ? null : spread(values);
  }

  /** The sentences of rounds that count for nothing, and of those in which the system was at fault. */
  remarks(workload: string): string[] {
    return this.#all
      .filter((finding) => finding.workload === workload)
      .flatMap(({ round, system, size, outcome }) => {
        const where = `${system}, size ${size}, round ${round}`;
        if (outcome.isVoid) return [`void: ${where}: ${outcome.reason}`];
        return outcome.fault === null ? [] : [`**fault**: ${where}: ${outcome.fault}`];
      });
  }

  /** Whether any round of this cell counts for nothing. */
  hasVoid(workload: string, system: string, size: number): boolean {
    return this.#of(workload, system, size).some(({ outcome }) => outcome.isVoid);
  }

  /** Whether any round of this cell found the system at fault. */
  hasFault(workload: string, system: string, size: number): boolean {
    return this.#of(workload, system, size).some(({ outcome }) => !outcome.isVoid && outcome.fault !== null);
  }

  /** The sizes that a workload ran at, smallest first. */
  sizes(workload: string): number[] {
    const of = this.#all.filter((finding) => finding.workload === workload);
    return [...new Set(of.map(({ size }) => size))].toSorted((a, b) => a - b);
  }

  #of(workload: string, system: string, size: number): readonly Finding[] {
    return this.#all.filter(
      (finding) => finding.workload === workload && finding.system === system && finding.size === size,
    );
  }
}
