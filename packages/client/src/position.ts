interface Place {
  /** Empty for the user's log, `*` for that of broadcasts. */
  readonly log: string;
  readonly epoch: string;
  readonly n: number;
}

/** Reads an offset: `*` before those of the log of broadcasts, an epoch, a number. */
function read(offset: string | null | undefined): Place | null {
  const [, log = "", epoch, n] = /^(\*?)([\w-]{1,32})\.(\d+)$/.exec(offset ?? "") ?? [];
  return epoch === undefined ? null : { log, epoch, n: Number(n) };
}

/** How many updates lie between two offsets of one log, or null where they do not compare. */
export function between(after: string | null, next: string | null): number | null {
  const from = read(after);
  const to = read(next);
  return from && to && from.log === to.log && from.epoch === to.epoch ? Math.max(0, to.n - from.n - 1) : null;
}

/** Where a client stands in the user's log and in the one of broadcasts. */
export class Positions {
  readonly #logs = new Map<string, Place>();

  /** Offsets to hand back as `since`, joined by a comma, or null before any is known. */
  get since(): string | null {
    return [...this.#logs.values()].map(({ log, epoch, n }) => `${log}${epoch}.${n}`).join() || null;
  }

  /** Moves to each of the offsets that `offsets` joins, also back; to just before them with a `shift` of -1. */
  set(offsets: string | null | undefined, shift = 0): void {
    for (const offset of offsets?.split(",") ?? []) {
      const place = read(offset);
      if (place) this.#logs.set(place.log, { ...place, n: place.n + shift });
    }
  }

  /** Whether an update with this offset was `seen` before, is the `next` one, or comes after a `hole`. */
  judge(offset: string | null | undefined): "next" | "seen" | "hole" {
    const place = read(offset);
    const at = place && this.#logs.get(place.log);
    if (!at || at.epoch !== place.epoch) return "next";
    return place.n <= at.n ? "seen" : place.n === at.n + 1 ? "next" : "hole";
  }
}
