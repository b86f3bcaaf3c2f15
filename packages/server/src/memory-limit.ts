import { totalmem } from "node:os";

/** The share of the memory that all outboxes may hold: strings, Bun's copies of them and garbage take several times as much. */
const OUTBOX_SHARE = 0.25;

/** How many bytes this process may use: the limit of its cgroup, else the machine's memory. */
export function memoryLimit(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** How many bytes may wait for clients in a process with this limit. */
export function outboxBytesWithin(limitBytes: number): number {
  return Math.floor(limitBytes * OUTBOX_SHARE);
}
