import type { CancelTimer, Clock } from "../clock.ts";
import type { Feed } from "./feed.ts";
import type { Feeds } from "./feeds.ts";

/** How often a few feeds are compared with their logs, at least. */
const STEP_MS = 1_000;

/** Feeds compared at once when all of them are. */
const BATCH = 512;

/**
 * Compares every feed with its log in turn: a notice that never came, with nothing after it to show the hole, is found
 * so. It keeps the logs of connected users from running out, too.
 */
export class IdleCheck {
  readonly #feeds: Feeds;
  readonly #compare: (feed: Feed) => Promise<void>;
  readonly #cancel: CancelTimer;
  readonly #steps: number;
  #walk: Iterator<Feed> | null = null;
  #isBusy = false;

  /**
   * `compare` asks the log about one feed and acts on it; it never rejects. Each feed has its turn about every `periodMs`.
   */
  constructor(feeds: Feeds, periodMs: number, clock: Clock, compare: (feed: Feed) => Promise<void>) {
    this.#feeds = feeds;
    this.#compare = compare;
    const stepMs = Math.min(STEP_MS, periodMs);
    this.#steps = Math.round(periodMs / stepMs);
    this.#cancel = clock.every(stepMs, () => void this.#step());
  }

  stop(): void {
    this.#cancel();
  }

  /** Compares all feeds at once: after the subscription was down, any of them may have a hole. */
  async all(): Promise<void> {
    let batch: Promise<void>[] = [];
    for (const feed of this.#feeds.all()) {
      batch.push(this.#compare(feed));
      if (batch.length < BATCH) continue;
      await Promise.all(batch);
      batch = [];
    }
    await Promise.all(batch);
  }

  async #step(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    const share: Promise<void>[] = [];
    const count = Math.ceil((this.#feeds.size + 1) / this.#steps);
    for (let index = 0; index < count; index += 1) {
      const feed = this.#next();
      if (feed !== null) share.push(this.#compare(feed));
    }
    await Promise.all(share);
    this.#isBusy = false;
  }

  #next(): Feed | null {
    this.#walk ??= this.#feeds.all()[Symbol.iterator]();
    const { value, done } = this.#walk.next();
    if (done !== true) return value;
    this.#walk = null;
    return null;
  }
}
