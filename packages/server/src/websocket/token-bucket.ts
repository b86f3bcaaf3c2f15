/** How fast a bucket fills, and how much it holds. */
export interface BucketRate {
  /** Tokens a second. */
  readonly perSecond: number;
  /** Most tokens at once. */
  readonly burst: number;
}

/** A token bucket: lets `burst` through at once and `perSecond` in the long run. */
export class TokenBucket {
  readonly #rate: BucketRate;
  #tokens: number;
  #filledAt: number;

  /** `now` is monotonic time in milliseconds, here and below. */
  constructor(rate: BucketRate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#filledAt = now;
  }

  /** Takes that many tokens where there are as many. */
  take(now: number, count: number = 1): boolean {
    const { perSecond, burst } = this.#rate;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1_000) * perSecond);
    this.#filledAt = now;
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }
}
