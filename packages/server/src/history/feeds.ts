import { BROADCAST_TARGET } from "@tidings/protocol";
import type { LogPosition, UpdateLog } from "../broker/update-log.ts";
import { Feed } from "./feed.ts";
import { PositionBatch } from "./position-batch.ts";

/** The feeds of all users who are connected to this relay or about to be, and the one of broadcasts. */
export class Feeds {
  readonly broadcast: Feed = new Feed(BROADCAST_TARGET);
  readonly #feeds = new Map<string, Feed>();
  readonly #positions: PositionBatch;
  readonly #isHeard: (feed: Feed) => boolean;

  /** `isHeard` says whether a feed has clients who were let in, possibly while the log could not be asked. */
  constructor(log: UpdateLog, isHeard: (feed: Feed) => boolean) {
    this.#positions = new PositionBatch(log);
    this.#isHeard = isHeard;
  }

  /** How many users have one. */
  get size(): number {
    return this.#feeds.size;
  }

  /** All feeds, the one of broadcasts first. Feeds that come while one walks over them are met too. */
  *all(): Iterable<Feed> {
    yield this.broadcast;
    yield* this.#feeds.values();
  }

  /** The feed of a target; undefined where nobody here needs it. */
  of(target: string): Feed | undefined {
    return target === BROADCAST_TARGET ? this.broadcast : this.#feeds.get(target);
  }

  /** The feed of a user, held until it is {@link release}d as often. */
  hold(userId: string): Feed {
    let feed = this.#feeds.get(userId);
    if (feed === undefined) {
      feed = new Feed(userId);
      this.#feeds.set(userId, feed);
    }
    feed.holders += 1;
    return feed;
  }

  release(feed: Feed): void {
    feed.holders -= 1;
    if (feed.holders === 0) this.#feeds.delete(feed.target);
  }

  /**
   * Finds out where a feed and the one of broadcasts stand, where that is not known.
   * @throws {BrokerUnavailable} as the log.
   */
  async anchor(feed: Feed): Promise<void> {
    const unknown = [feed, this.broadcast].filter(({ position }) => position === null);
    await Promise.all(unknown.map(async (it) => this.settle(it, await this.ask(it))));
  }

  /** Takes the place of a log for a feed of which none is known. */
  settle(feed: Feed, position: LogPosition): void {
    if (this.#isHeard(feed)) feed.bound(position);
    else feed.anchor(position);
  }

  /**
   * Where the log of a feed stands.
   * @throws {BrokerUnavailable} as the log.
   */
  ask(feed: Feed): Promise<LogPosition> {
    return this.#positions.ask(feed.target);
  }
}
