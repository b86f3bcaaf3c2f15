const STEPS_PER_DOUBLING = 32;
const STEPS = 1_024;

/** Percentiles of a time, in milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Counts times in steps of about 2 %, from a microsecond up. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(STEPS);
  #max = 0;

  add(microseconds: number): void {
    const step = Math.floor(Math.log2(Math.max(1, microseconds)) * STEPS_PER_DOUBLING);
    const at = Math.min(STEPS - 1, step);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    if (microseconds > this.#max) this.#max = microseconds;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#max = 0;
  }

  summary(): LatencySummary {
    const count = this.#counts.reduce((sum, step) => sum + step, 0);
    return { count, p50: this.#at(count * 0.5), p99: this.#at(count * 0.99), max: this.#max / 1_000 };
  }

  #at(rank: number): number {
    let below = 0;
    for (let step = 0; step < STEPS; step += 1) {
      below += this.#counts[step] ?? 0;
      if (below > 0 && below >= rank) return 2 ** ((step + 1) / STEPS_PER_DOUBLING) / 1_000;
    }
    return 0;
  }
}
