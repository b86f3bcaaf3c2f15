import { Cutoffs } from "./cutoffs.ts";
import { parseRevocation, type Revocable, type Revocation } from "./revocation.ts";

/**
 * All revocations that a relay knows, by text, and found for a token in constant time. Ends are in milliseconds since
 * 1970; one that has passed counts no more, also before {@link purge}.
 */
export class RevocationTable {
  readonly #ends = new Map<string, number>();
  readonly #tokens = new Map<string, number>();
  readonly #users = new Map<string, number>();
  readonly #userCutoffs = new Map<string, Cutoffs>();
  readonly #everyone = new Cutoffs();

  /** How many there are, with those that ended and were not purged yet. */
  get size(): number {
    return this.#ends.size;
  }

  /** Each text and its end, in the order in which they were first set. */
  get entries(): Iterable<readonly [string, number]> {
    return this.#ends;
  }

  /** When a revocation ends; undefined where there is none. */
  endOf(text: string): number | undefined {
    return this.#ends.get(text);
  }

  /** Sets a revocation's end; one at or before `now` removes it. Returns it, or null where the text is none. */
  set(text: string, endsAt: number, now: number): Revocation | null {
    const revocation = parseRevocation(text);
    if (revocation === null) return null;
    const end = endsAt > now ? endsAt : null;
    put(this.#ends, text, end);
    this.#index(revocation, end);
    return revocation;
  }

  /** Whether a token is revoked. */
  covers({ userId, tokenId, issuedAt }: Revocable, now: number): boolean {
    if (this.#ends.size === 0) return false;
    return (
      (this.#users.get(userId) ?? 0) > now ||
      (tokenId !== undefined && (this.#tokens.get(tokenId) ?? 0) > now) ||
      this.#everyone.covers(issuedAt, now) ||
      (this.#userCutoffs.get(userId)?.covers(issuedAt, now) ?? false)
    );
  }

  /** Forgets those that have ended. */
  purge(now: number): void {
    for (const [text, end] of this.#ends) if (end <= now) this.set(text, 0, now);
  }

  #index({ jti, user_id: userId, issued_before: issuedBefore }: Revocation, end: number | null): void {
    if (jti !== undefined) put(this.#tokens, jti, end);
    else if (issuedBefore === undefined) put(this.#users, userId ?? "", end);
    else if (userId === undefined) this.#everyone.set(issuedBefore, end);
    else {
      const cutoffs = this.#userCutoffs.get(userId) ?? new Cutoffs();
      cutoffs.set(issuedBefore, end);
      if (cutoffs.isEmpty) this.#userCutoffs.delete(userId);
      else this.#userCutoffs.set(userId, cutoffs);
    }
  }
}

function put(map: Map<string, number>, key: string, end: number | null): void {
  if (end === null) map.delete(key);
  else map.set(key, end);
}
