import { isOpen, type Run } from "../live/run.ts";

/** One conversation. */
export interface ThreadOfRuns {
  readonly id: string;
  /** Its first question. */
  readonly title: string;
  /** Oldest first, at least one. */
  readonly runs: readonly Run[];
  readonly isOpen: boolean;
}

/** Sorts runs into their conversations, the one with the latest question first. */
export function threadsOf(runs: readonly Run[]): readonly ThreadOfRuns[] {
  const threads = new Map<string, Run[]>();
  for (const run of runs) {
    const own = threads.get(run.thread);
    if (own === undefined) threads.set(run.thread, [run]);
    else own.push(run);
  }
  return [...threads]
    .map(([id, own]) => ({ id, title: own[0]?.question ?? "", runs: own, isOpen: own.some(isOpen) }))
    .toSorted((one, other) => latest(other) - latest(one));
}

function latest({ runs }: ThreadOfRuns): number {
  return runs.at(-1)?.started ?? 0;
}
