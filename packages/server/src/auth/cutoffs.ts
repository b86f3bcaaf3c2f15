/** Tokens issued at or before a time do not hold, until another time. */
interface Cutoff {
  /** In seconds since 1970. */
  readonly issuedBefore: number;
  /** In milliseconds since 1970. */
  readonly endsAt: number;
}

/**
 * The revocations by `iat` of one user, or of all. Only those are looked at that no other outdoes in both of their times:
 * usually one, however many there are.
 */
export class Cutoffs {
  readonly #all = new Map<number, number>();
  #telling: readonly Cutoff[] | null = null;

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** Sets until when tokens issued at or before a time are revoked; null forgets it. */
  set(issuedBefore: number, endsAt: number | null): void {
    if (endsAt === null) this.#all.delete(issuedBefore);
    else this.#all.set(issuedBefore, endsAt);
    this.#telling = null;
  }

  /** Whether a token that was issued then, or does not say when, is revoked. */
  covers(issuedAt: number | undefined, now: number): boolean {
    this.#telling ??= this.#outdone();
    return this.#telling.some(
      ({ issuedBefore, endsAt }) => endsAt > now && (issuedAt === undefined || issuedAt <= issuedBefore),
    );
  }

  #outdone(): readonly Cutoff[] {
    const latestFirst = Array.from(this.#all, ([issuedBefore, endsAt]) => ({
      issuedBefore,
      endsAt,
    })).toSorted((a, b) => b.issuedBefore - a.issuedBefore);
    let end = Number.NEGATIVE_INFINITY;
    return latestFirst.filter(({ endsAt }) => {
      if (endsAt <= end) return false;
      end = endsAt;
      return true;
    });
  }
}
