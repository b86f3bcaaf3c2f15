/** How waiting grows. */
export interface Backoff {
  /** The bound of the first wait, in milliseconds. */
  readonly first: number;
  /** The highest bound, in milliseconds. */
  readonly longest: number;
}

/** Full jitter: after `failures` failures in a row, counted from 0, anything below a bound that doubles, by `chance` in [0, 1). */
export function fullJitter(failures: number, { first, longest }: Backoff, chance: number): number {
  return chance * Math.min(longest, first * 2 ** failures);
}
