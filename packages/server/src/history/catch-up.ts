import { BROADCAST_TARGET, formatOffset, type GapReason, gapFrame, resumeFaults } from "@tidings/protocol";
import type { LogPage, LogPosition } from "../broker/update-log.ts";
import type { CancelTimer, Clock, Random } from "../clock.ts";
import type { DeliveryCounters } from "../metrics.ts";
import type { Cursor } from "./cursor.ts";
import type { Feed } from "./feed.ts";
import type { HistoryClient } from "./history-client.ts";
import { type FramedUpdate, type LogFramer, sendUpdate } from "./log-framer.ts";
import type { LogReads } from "./log-reads.ts";

/** What all clients that catch up share. */
export interface CatchUpContext {
  readonly reads: LogReads;
  readonly framer: LogFramer;
  readonly clock: Clock;
  readonly random: Random;
  readonly counters: CatchUpCounters;
  readonly delivered: Pick<DeliveryCounters, "deliveries">;
  /** The log was seen to stand elsewhere than its feed: all clients of the feed have to go there. */
  readonly onMoved: (feed: Feed, position: LogPosition) => void;
  /**
   * In that epoch the log ended before what was delivered from it: it was rolled back. Resolves when it has a new epoch.
   */
  readonly onRolledBack: (feed: Feed, epoch: string) => Promise<void>;
  /** A read failed with something that is not the broker's being away. */
  readonly onFault: (error: unknown) => void;
}

/** What catching up counts. */
export interface CatchUpCounters {
  /** Updates that were sent from the log instead of live. */
  replayed: number;
  /** Holes that clients were told of, or would have been had they not been plain. */
  gaps: number;
}

/** How long to wait before a read that failed is tried again, at least; as much again is left to chance. */
const RETRY_MS = 500;

/**
 * Brings one client to the live end of its logs: reads what it does not have, sends it in order and at the speed at
 * which the client takes it, and joins what arrived live meanwhile without a hole or a duplicate. While it stands,
 * updates are offered to it instead of sent to its client.
 */
export class CatchUp {
  readonly #context: CatchUpContext;
  readonly #client: HistoryClient;
  readonly #cursors: readonly Cursor[];
  /** Whether the client knows what is to come: nothing is sent before {@link run} was called. */
  #isStarted = false;
  #isRunning = false;
  #wake: (() => void) | null = null;
  #cancelRetry: CancelTimer | null = null;

  /** Takes the place of another one of the client, which then ends. */
  constructor(context: CatchUpContext, client: HistoryClient, cursors: readonly Cursor[]) {
    this.#context = context;
    this.#client = client;
    this.#cursors = cursors;
    client.catchUp?.end();
    client.catchUp = this;
  }

  /** Whether it still is its client's. */
  get isCurrent(): boolean {
    return this.#client.catchUp === this && this.#client.isOpen;
  }

  /** {@link isCurrent}, to be asked when a read has its turn. */
  readonly isWanted = (): boolean => this.isCurrent;

  /** The client's place in the log of a feed. */
  cursorOf(feed: Feed): Cursor | undefined {
    return this.#cursors.find((cursor) => cursor.feed === feed);
  }

  /** Takes a live update: sends it where the client is at the live end of that log, else keeps it. */
  offer(feed: Feed, update: FramedUpdate): void {
    const cursor = this.cursorOf(feed);
    if (cursor === undefined) return;
    // The live end was not known before: this is the first update of that log.
    if (cursor.epoch === "") cursor.placeAt({ epoch: feed.epoch, n: update.n - 1 });
    if (!cursor.isLive) {
      cursor.hold(update);
      return;
    }
    if (update.n > cursor.n) this.#sendLive(cursor, update);
    this.#finish();
  }

  /** The live end moved on from `place` and left the client there. */
  lag(feed: Feed, place: LogPosition): void {
    const cursor = this.cursorOf(feed);
    if (cursor === undefined) return;
    if (cursor.epoch === "") cursor.moveTo(place);
    else if (cursor.isLive)
      cursor.moveTo(place.n < cursor.n && place.epoch === cursor.epoch ? cursor : place);
    if (this.#isStarted) this.run();
  }

  /** Sends what a page has that follows the client's place. */
  take(cursor: Cursor, page: LogPage): void {
    for (const { n, missed, frame } of page.entries) {
      if (n !== cursor.n + 1) continue;
      const { framer, counters } = this.#context;
      const update = framer.frame(cursor.feed.target, cursor.epoch, n, missed, frame);
      cursor.n = n;
      if (sendUpdate(this.#client, update)) counters.replayed += 1;
    }
  }

  /** Tells the client of a hole between `after` and the next update that it will be sent in that log. */
  tellGap(after: LogPosition, cursor: Cursor, reason: GapReason): void {
    const { feed, epoch, n } = cursor;
    this.#context.counters.gaps += 1;
    this.#client.sendSystem(
      gapFrame({
        reason,
        recovered: false,
        broadcast: feed.target === BROADCAST_TARGET,
        after: formatOffset(feed.target, after.epoch, after.n),
        next: formatOffset(feed.target, epoch, n + 1),
        message: resumeFaults[reason],
      }),
    );
  }

  /** Goes on until the client is at the live end of all its logs. Does nothing where it is on its way already. */
  run(): void {
    if (this.#isRunning) return;
    this.#isStarted = true;
    this.#isRunning = true;
    void this.#run().finally(() => {
      this.#isRunning = false;
      this.#finish();
    });
  }

  /** The client's connection takes bytes again. */
  writable(): void {
    this.#wake?.();
  }

  /** Lets go of everything: the client is gone, or begins anew. */
  end(): void {
    this.#cancelRetry?.();
    if (this.#client.catchUp === this) this.#client.catchUp = null;
    for (const cursor of this.#cursors) cursor.letGo();
    this.#wake?.();
  }

  async #run(): Promise<void> {
    for (const cursor of this.#cursors) {
      while (this.isCurrent && !this.#join(cursor)) {
        try {
          await this.#step(cursor);
        } catch (error) {
          this.#context.onFault(error);
          await this.#pause();
        }
      }
    }
  }

  /** Sends the live updates that follow at once. True where the client is then at the live end. */
  #join(cursor: Cursor): boolean {
    if (cursor.isLive) return true;
    for (const update of cursor.takeHeld()) this.#sendLive(cursor, update);
    cursor.isLive = cursor.isThere;
    if (cursor.isLive) cursor.letGo();
    return cursor.isLive;
  }

  #sendLive(cursor: Cursor, update: FramedUpdate): void {
    cursor.n = update.n;
    if (sendUpdate(this.#client, update)) this.#context.delivered.deliveries += 1;
  }

  async #step(cursor: Cursor): Promise<void> {
    await this.#untilWritable();
    if (!this.isCurrent) return;
    const { feed } = cursor;
    const { epoch, n: delivered } = feed;
    const page = await this.#context.reads.read(feed, cursor.position, this.isWanted);
    await this.#untilWritable();
    if (page === null || !this.isCurrent) return;
    const { outcome, top, first } = page;
    if (outcome === "ahead" || (top.epoch === epoch && top.n < delivered)) {
      await this.#context.onRolledBack(feed, top.epoch);
      return;
    }
    if (feed.epoch === epoch && epoch !== top.epoch) this.#context.onMoved(feed, top);
    if (outcome === "ok") {
      this.take(cursor, page);
      return;
    }
    const next = { epoch: top.epoch, n: first - 1 };
    const after = cursor.position;
    cursor.moveTo(next);
    this.tellGap(after, cursor, outcome);
  }

  /** Leaves the client to the live path once the feeds have passed all that it was sent. */
  #finish(): void {
    if (this.#isRunning || !this.isCurrent) return;
    const isDone = this.#cursors.every(
      ({ isLive, feed, epoch, n }) =>
        isLive && (feed.position === null || (epoch === feed.epoch && n <= feed.n)),
    );
    if (isDone) this.#client.catchUp = null;
    else if (this.#cursors.some(({ isLive }) => !isLive)) this.run();
  }

  async #untilWritable(): Promise<void> {
    if (!this.#client.isBlocked) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
    this.#wake = null;
  }

  async #pause(): Promise<void> {
    const { clock, random } = this.#context;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    this.#cancelRetry = clock.after(RETRY_MS * (1 + random()), resolve);
    await promise;
    this.#wake = null;
  }
}
