import type { CancelTimer, Clock } from "../clock.ts";
import type { WorkerSlot } from "./worker-slot.ts";

/** How long workers have to answer, in milliseconds. Which did not is told; the others are not kept waiting. */
const ANSWER_MS = 1_000;

/** A look that began less than so many milliseconds ago serves whoever asks next, so that nobody makes workers answer more often. */
const FRESH_MS = 100;

/** Asks all workers at once how they are. Whoever asks while a look goes on shares it. */
export class Looks {
  readonly #slots: readonly WorkerSlot[];
  readonly #clock: Clock;
  #latest: Promise<void> = Promise.resolve();
  #latestAt = -Infinity;
  #round = 0;
  #settle: (() => void) | null = null;

  constructor(slots: readonly WorkerSlot[], clock: Clock) {
    this.#slots = slots;
    this.#clock = clock;
  }

  /** Resolves when all workers that live have told their report, or have had a second for it. */
  take(): Promise<void> {
    const now = this.#clock.monotonic();
    if (this.#settle === null && now - this.#latestAt >= FRESH_MS) {
      this.#latestAt = now;
      this.#latest = this.#ask();
    }
    return this.#latest;
  }

  /** A worker has answered, or cannot any more. */
  reported(): void {
    if (!this.#slots.some(({ owesReport }) => owesReport)) this.#settle?.();
  }

  #ask(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let cancel: CancelTimer = () => {};
    this.#settle = () => {
      this.#settle = null;
      cancel();
      resolve();
    };
    cancel = this.#clock.after(ANSWER_MS, this.#settle);
    this.#round += 1;
    for (const slot of this.#slots) slot.look(this.#round);
    this.reported();
    return promise;
  }
}
