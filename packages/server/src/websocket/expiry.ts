import { TOKEN_LEEWAY_MS } from "../auth/token-leeway.ts";
import type { CancelTimer, Clock } from "../clock.ts";

/** Something that ends when its token does. */
export interface Expiring {
  close(name: "token_refused", details: { readonly reason: string }): void;
}

/**
 * Closes each client when its token runs out (4401). Clients wait in one bucket for each second, and one timer looks at
 * the wall clock once a second: a token's lifetime is wall-clock time, so when that clock jumps, tokens go with it.
 */
export class Expiry {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Set<Expiring>>();
  readonly #cancel: CancelTimer;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#cancel = clock.every(1_000, () => this.#sweep());
  }

  /** Closes `client` once `expiresAt` (milliseconds since 1970) has passed; null is never. */
  add(client: Expiring, expiresAt: number | null): void {
    if (expiresAt === null) return;
    const second = Math.ceil(expiresAt / 1_000);
    const bucket = this.#buckets.get(second);
    if (bucket === undefined) this.#buckets.set(second, new Set([client]));
    else bucket.add(client);
  }

  /** Forgets `client`, which was added with the same `expiresAt`. */
  remove(client: Expiring, expiresAt: number | null): void {
    if (expiresAt === null) return;
    const second = Math.ceil(expiresAt / 1_000);
    const bucket = this.#buckets.get(second);
    if (bucket === undefined) return;
    bucket.delete(client);
    if (bucket.size === 0) this.#buckets.delete(second);
  }

  /** Stops the timer. */
  stop(): void {
    this.#cancel();
  }

  #sweep(): void {
    const now = this.#clock.wall() / 1_000;
    for (const [second, bucket] of this.#buckets) {
      if (second > now) continue;
      this.#buckets.delete(second);
      for (const client of bucket) client.close("token_refused", { reason: "the token expired" });
    }
  }
}

/**
 * When a connection ends whose token ends at `expiresAt`: then, or, where the token was only let in by the leeway for
 * clocks that differ, at the end of that leeway. All in milliseconds since 1970.
 */
export function tokenDeadline(expiresAt: number | null, now: number): number | null {
  return expiresAt !== null && expiresAt <= now ? expiresAt + TOKEN_LEEWAY_MS : expiresAt;
}
