import type { CancelTimer, Clock } from "../clock.ts";

/** Something whose bytes may wait where they are for a while. */
export interface PausableSource {
  pause(): void;
  resume(): void;
}

/** How a source may be made to wait. */
export interface Pacing {
  /** Longest pause in milliseconds; 0 never pauses. */
  readonly longestMs: number;
  /** Whether somebody waits for any of what was read since this was asked last. */
  readonly isForSomebody: () => boolean;
}

/** The pacing of a source that is never made to wait. */
export const unpaced: Pacing = { longestMs: 0, isForSomebody: () => true };

/** What a {@link ReadPacer} works with. */
export interface ReadPacerOptions extends Pacing {
  readonly clock: Clock;
  /** Runs a function once all that a read brought has been handled, what it made others write included. */
  readonly defer?: (run: () => void) => void;
}

/** A read that follows the one before within this time follows closely. */
const CLOSE_MS = 1;

/** After so many reads that followed closely, the next are made to wait. */
const SUSTAINED = 8;

/** A pause lasts so many times as long as the work before it, so that it is short while there is little to do. */
const REST_PER_WORK = 1.5;

/** The shortest pause, in milliseconds: half of it would save nothing. */
const SHORTEST_MS = 1;

/**
 * Leaves a busy source alone for a moment after each read, so that one wake-up and one write to a socket serve many
 * messages, as network cards moderate their interrupts: what wakes a process costs far more than a message. The pause grows
 * with the load, and is longest after a read that was for nobody. A source that brings less than about a thousand reads a
 * second is never made to wait.
 */
export class ReadPacer {
  readonly #longestMs: number;
  readonly #isForSomebody: () => boolean;
  readonly #clock: Clock;
  readonly #defer: (run: () => void) => void;
  #source: PausableSource | null = null;
  #beganAt = 0;
  /** When the source was last free to bring something, and nothing was being done with what it brought. */
  #freeSince = -Infinity;
  #closeReads = 0;
  #isHandling = false;
  #cancel: CancelTimer | null = null;

  constructor({ longestMs, isForSomebody, clock, defer = setImmediate }: ReadPacerOptions) {
    this.#longestMs = longestMs;
    this.#isForSomebody = isForSomebody;
    this.#clock = clock;
    this.#defer = defer;
  }

  /** Something was read and is about to be handled. */
  began(): void {
    if (!this.#isHandling) this.#beganAt = this.#clock.monotonic();
  }

  /** It was handed on; what that made others write is still to come. */
  ended(source: PausableSource): void {
    this.#source = source;
    if (this.#isHandling || this.#longestMs === 0) return;
    this.#isHandling = true;
    this.#defer(this.#rest);
  }

  /** Ends a pause for good. Idempotent. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#source = null;
  }

  readonly #rest = (): void => {
    this.#isHandling = false;
    const now = this.#clock.monotonic();
    this.#closeReads = this.#beganAt - this.#freeSince < CLOSE_MS ? this.#closeReads + 1 : 0;
    this.#freeSince = now;
    if (this.#source === null || this.#closeReads < SUSTAINED) return;
    this.#source.pause();
    const rest = Math.max(SHORTEST_MS, (now - this.#beganAt) * REST_PER_WORK);
    const pause = this.#isForSomebody() ? Math.min(rest, this.#longestMs) : this.#longestMs;
    this.#cancel = this.#clock.after(pause, this.#resume);
  };

  readonly #resume = (): void => {
    this.#freeSince = this.#clock.monotonic();
    this.#source?.resume();
  };
}
