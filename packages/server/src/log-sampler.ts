import type { Clock } from "./clock.ts";

const SHORTEST_GAP_MS = 1_000;

interface Key {
  loggedAt: number;
  suppressed: number;
}

/**
 * Lets at most one line a second through for each kind of event, and says with the next line how many it held back, so
 * that a flood of bad input fills the counters and not the disk. Kinds come from a fixed set, never from outside.
 */
export class LogSampler {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Key>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `log` with the number of events of this kind held back since the last line, or holds this one back. */
  note(kind: string, log: (suppressed: number) => void): void {
    const now = this.#clock.monotonic();
    const known = this.#kinds.get(kind);
    if (known !== undefined && now - known.loggedAt < SHORTEST_GAP_MS) {
      known.suppressed += 1;
      return;
    }
    this.#kinds.set(kind, { loggedAt: now, suppressed: 0 });
    log(known?.suppressed ?? 0);
  }
}
