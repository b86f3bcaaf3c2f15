import type { CancelTimer, Clock } from "../clock.ts";

/** Something whose bytes may wait where they are for a while. */
export interface PausableSource {
  pause(): void;
  resume(): void;
}

/** What a {@link ReadPacer} works with. */
export interface ReadPacerOptions {
  /** Longest pause in milliseconds; the shortest is half of it. 0 never pauses. */
  readonly longestMs: number;
  readonly clock: Clock;
  /** Runs a function once all that a read brought has been handled, what it made others write included. */
  readonly defer?: (run: () => void) => void;
}

/** A read that follows the one before within this time follows closely. */
const CLOSE_MS = 1;

/** After so many reads that followed closely, the next are made to wait. */
const SUSTAINED = 8;

/** A pause lasts so many times as long as the work before it, within its bounds. */
const REST_PER_WORK = 2;

/**
 * Leaves a busy source alone for a moment after each read, so that one wake-up and one write to a socket serve many
 * messages, as network cards moderate their interrupts: what wakes a process costs far more than a message. A source that
 * brings less than about a thousand reads a second is never made to wait.
 */
export class ReadPacer {
  readonly #longestMs: number;
  readonly #clock: Clock;
  readonly #defer: (run: () => void) => void;
  #source: PausableSource | null = null;
  #beganAt = 0;
  /** When the source was last free to bring something, and nothing was being done with what it brought. */
  #freeSince = -Infinity;
  #closeReads = 0;
  #isHandling = false;
  #cancel: CancelTimer | null = null;

  constructor({ longestMs, clock, defer = setImmediate }: ReadPacerOptions) {
    this.#longestMs = longestMs;
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
    const rest = (now - this.#beganAt) * REST_PER_WORK;
    const pause = Math.min(this.#longestMs, Math.max(this.#longestMs / 2, rest));
    this.#cancel = this.#clock.after(pause, this.#resume);
  };

  readonly #resume = (): void => {
    this.#freeSince = this.#clock.monotonic();
    this.#source?.resume();
  };
}
