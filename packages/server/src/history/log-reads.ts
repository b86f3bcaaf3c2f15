import type { LogPage, LogPosition, PageLimit, UpdateLog } from "../broker/update-log.ts";
import type { Feed } from "./feed.ts";

/** How much one read brings at most: enough to fill a socket's buffer, and little enough for a thousand readers. */
const PAGE_UPDATES = 128;
const PAGE_BYTES = 65_536;

/** Reads under way at once. Their pages are in memory together, each at most a page or one update. */
const MOST_AT_ONCE = 32;

interface SharedRead {
  readonly askers: (() => boolean)[];
  readonly page: Promise<LogPage | null>;
}

/**
 * Reads from the log for clients that catch up, a few at a time and in the order in which they asked: a thousand that
 * resume at once wait here, and cost nothing while they do.
 */
export class LogReads {
  readonly #log: Pick<UpdateLog, "read">;
  readonly #limit: PageLimit;
  readonly #waiting: (() => void)[] = [];
  readonly #shared = new Map<string, SharedRead>();
  #underWay = 0;

  /** A page is made to leave room in a client's bound, `bufferBytes`, for what arrives live. */
  constructor(log: Pick<UpdateLog, "read">, bufferBytes: number) {
    this.#log = log;
    this.#limit = { updates: PAGE_UPDATES, bytes: Math.min(PAGE_BYTES, Math.floor(bufferBytes / 4)) };
  }

  /**
   * A page of what follows a place in the log of a feed. The caller must have sent or dropped it before it asks for the
   * next one. Thousands of clients who were left behind at one place of the broadcasts share a read: it was asked for
   * after everything that the feed has delivered, as theirs would be. Null where nobody who asked wanted it any more when
   * its turn came.
   * @throws {BrokerUnavailable} as the log.
   */
  read(feed: Feed, after: LogPosition | "earliest", isWanted: () => boolean): Promise<LogPage | null> {
    const { target, epoch, n } = feed;
    const place = after === "earliest" ? after : `${after.epoch}.${after.n}`;
    const key = `${place} ${epoch}.${n} ${target}`;
    const shared = this.#shared.get(key);
    if (shared !== undefined) {
      shared.askers.push(isWanted);
      return shared.page;
    }
    const askers = [isWanted];
    const page = this.#read(target, after, askers).finally(() => this.#shared.delete(key));
    this.#shared.set(key, { askers, page });
    return page;
  }

  async #read(
    target: string,
    after: LogPosition | "earliest",
    askers: readonly (() => boolean)[],
  ): Promise<LogPage | null> {
    if (this.#underWay >= MOST_AT_ONCE) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    } else this.#underWay += 1;
    try {
      return askers.some((isWanted) => isWanted()) ? await this.#log.read(target, after, this.#limit) : null;
    } finally {
      // The place is handed over, not given back and taken again, so that nobody slips in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay -= 1;
      else next();
    }
  }
}
