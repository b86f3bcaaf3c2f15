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
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const user = Number(fields[11]) / TICKS_PER_SECOND;
    return { user, total: user + Number(fields[12]) / TICKS_PER_SECOND };
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
