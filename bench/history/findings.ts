import type { StreamFigures } from "./history-bed.ts";
import type { ResumeFigures } from "./resume.ts";
import { noRounds, type Rounds, type SystemKey, systems } from "./systems.ts";
import type { HistoryWorkload } from "./workloads.ts";

/** What every round gave of one workload, figure by figure. */
export interface WorkloadFindings {
  readonly workload: HistoryWorkload;
  readonly relay: Rounds;
  readonly relayUser: Rounds;
  readonly redis: Rounds;
  readonly p50: Rounds;
  readonly p99: Rounds;
  /** Share of the load's core in use, in per cent. */
  readonly load: Rounds;
}

/** Bytes of memory of one kind of connection. */
export interface MemoryFindings {
  readonly name: string;
  readonly off: number[];
  readonly on: number[];
}

/** Everything the bench found. */
export interface Findings {
  readonly workloads: readonly WorkloadFindings[];
  readonly memory: readonly MemoryFindings[];
  readonly resumes: ResumeFigures[];
  /** Milliseconds a second while nothing is published. */
  readonly idleRelay: Rounds;
  readonly idleRedis: Rounds;
  readonly voids: string[];
}

/** Findings to which everything has yet to be added. */
export function noFindings(workloads: readonly HistoryWorkload[], memory: readonly string[]): Findings {
  return {
    workloads: workloads.map((workload) => ({
      workload,
      relay: noRounds(),
      relayUser: noRounds(),
      redis: noRounds(),
      p50: noRounds(),
      p99: noRounds(),
      load: noRounds(),
    })),
    memory: memory.map((name) => ({ name, off: [], on: [] })),
    resumes: [],
    idleRelay: noRounds(),
    idleRedis: noRounds(),
    voids: [],
  };
}

/** Adds what one run gave. */
export function addFigures(findings: WorkloadFindings, system: SystemKey, figures: StreamFigures): void {
  const { relay, relayUser, redis, p50, p99, loadShare } = figures;
  findings.relay[system].push(relay);
  findings.relayUser[system].push(relayUser);
  if (redis !== null) findings.redis[system].push(redis);
  if (p50 !== null) findings.p50[system].push(p50);
  if (p99 !== null) findings.p99[system].push(p99);
  findings.load[system].push(loadShare * 100);
}

/** Whether any system gave a number. */
export function hasValues(rounds: Rounds): boolean {
  return systems.some(({ key }) => rounds[key].length > 0);
}
