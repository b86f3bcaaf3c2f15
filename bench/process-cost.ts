import { readdirSync, readFileSync } from "node:fs";

/** The kernel's clock ticks a second on every Linux that Bun runs on. */
const TICKS_PER_SECOND = 100;

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
