import type { Clock } from "../../clock.ts";

/** Keys that were claimed, each for a time of its own. */
export class Claims {
  readonly #clock: Clock;
  /** By key, when the claim ends, by the monotonic clock. */
  readonly #ends = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Claims a key for `ttlMs` milliseconds; false where it is claimed already. */
  claim(key: string, ttlMs: number): boolean {
    const now = this.#clock.monotonic();
    for (const [old, end] of this.#ends) {
      if (end <= now) this.#ends.delete(old);
    }
    if (this.#ends.has(key)) return false;
    this.#ends.set(key, now + ttlMs);
    return true;
  }
}
