import { readdirSync, readFileSync } from "node:fs";

/** The kernel's clock ticks a second on every Linux that Bun runs on. */
const TICKS_PER_SECOND = 100;
const NANOSECONDS_PER_SECOND = 1e9;

/** Processor time in seconds, in steps of 10 ms. */
export interface ProcessorTime {
  /** In the program itself. */
  readonly user: number;
  /** In the program and in the kernel for it. */
  readonly total: number;
}

/** What the kernel knows of a process: Linux only, since it is read from /proc. */
export const processCost = {
  /** Processor time that a process has used. */
  cpu(pid: number): ProcessorTime {
    const fields = statFields(pid);
    const user = Number(fields[11]) / TICKS_PER_SECOND;
    return { user, total: user + Number(fields[12]) / TICKS_PER_SECOND };
  },

  /**
   * Processor time that a process and all its descendants have used, those included that ended and were waited for.
   * Descendants that ended unnoticed are not in it.
   */
  treeCpu(pid: number): ProcessorTime {
    return processCost.tree(pid).reduce(
      (sum, id) => {
        const fields = statFields(id);
        const user = Number(fields[11]) + Number(fields[13]);
        const kernel = Number(fields[12]) + Number(fields[14]);
        return {
          user: sum.user + user / TICKS_PER_SECOND,
          total: sum.total + (user + kernel) / TICKS_PER_SECOND,
        };
      },
      { user: 0, total: 0 },
    );
  },

  /** A process and all its descendants that live. */
  tree(pid: number): number[] {
    const threads = readdirSync(`/proc/${pid}/task`);
    const children = threads.flatMap((id) =>
      readFileSync(`/proc/${pid}/task/${id}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
    return [pid, ...children.flatMap((child) => processCost.tree(child))];
  },

  /**
   * Processor time that the threads a process has now have used, in seconds and to the nanosecond. What ended threads
   * used is not in it, so it is for programs that keep theirs, such as Redis.
   */
  threadSeconds(pid: number): number {
    const threads = readdirSync(`/proc/${pid}/task`);
    const times = threads.map(
      (id) => readFileSync(`/proc/${pid}/task/${id}/schedstat`, "utf8").split(" ")[0],
    );
    return times.reduce((sum, time) => sum + Number(time), 0) / NANOSECONDS_PER_SECOND;
  },

  /** Resident memory of a process, in bytes. */
  residentBytes(pid: number): number {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return Number(/^Rss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? Number.NaN) * 1_024;
  },

  /** How many files and sockets a process has open. */
  openFiles(pid: number): number {
    return readdirSync(`/proc/${pid}/fd`).length;
  },
} as const;

/** The fields of a process's stat from its state on; its name before that may hold anything. */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
