import type { ProcessorTime } from "./process-cost.ts";

/** A number that came out of a run, or the sentence that says why it counts for nothing. */
export type Measured = Finding | Void;

/** A run that counts. */
export interface Finding {
  readonly ok: true;
  readonly value: number;
  /** The part of `value` spent in the program itself and not in the kernel, where that was measured. */
  readonly user?: number;
  readonly note?: string;
}

/** A run that counts for nothing. */
export interface Void {
  readonly ok: false;
  readonly reason: string;
}

/** A run that counts for nothing, for a reason of one sentence. */
export function invalid(reason: string): Void {
  return { ok: false, reason };
}

/** The processor time used between two readings, for each of so many units. */
export function perUnit(before: ProcessorTime, after: ProcessorTime, units: number): ProcessorTime {
  return { user: (after.user - before.user) / units, total: (after.total - before.total) / units };
}
