import { parseSince, type ResumeAnswer, resumeFaults } from "@tidings/protocol";
import { BrokerUnavailable, type MessageHandler } from "../broker/broker.ts";
import type { LogPosition, UpdateLog } from "../broker/update-log.ts";
import type { Clock, Random } from "../clock.ts";
import type { DeliveryCounters } from "../metrics.ts";
import type { Hub } from "../websocket/hub.ts";
import { CatchUp, type CatchUpContext, type CatchUpCounters } from "./catch-up.ts";
import { Cursor } from "./cursor.ts";
import type { Feed } from "./feed.ts";
import { Feeds } from "./feeds.ts";
import type { HistoryClient } from "./history-client.ts";
import { IdleCheck } from "./idle-check.ts";
import { LogFramer, type LogFramerOptions } from "./log-framer.ts";
import { LogIntake } from "./log-intake.ts";
import { LogReads } from "./log-reads.ts";
import { type ResumeCounters, Resumes } from "./resumes.ts";

/** What a client is told of its place in the log; nothing where the log could not be asked. */
export type HistoryAnswer = Partial<ResumeAnswer> & { readonly offset?: string };

/** What history counts. */
export interface HistoryCounters extends CatchUpCounters, ResumeCounters {
  /** Times that clients of a user were left behind the live end: updates on the way to this relay were lost. */
  holes: number;
}

/** Counters that stand at nothing. */
export function newHistoryCounters(): HistoryCounters {
  return { replayed: 0, gaps: 0, holes: 0, resumes: new Map() };
}

/** What history works with. */
export interface HistoryOptions extends LogFramerOptions {
  readonly hub: Hub<HistoryClient>;
  readonly log: UpdateLog;
  readonly delivered: DeliveryCounters;
  readonly counters: HistoryCounters;
  readonly clock: Clock;
  readonly random: Random;
  /** Most updates that one resume replays. */
  readonly resumeLimit: number;
  /** Within how long each user's place is compared with the log: less than a log lives, and than a loss may stay unseen. */
  readonly checkEveryMs: number;
  /** Most bytes that may wait for one client. */
  readonly bufferBytes: number;
  readonly onUnreadable: (bytes: number) => void;
  /** A fault that is not the broker's being away. */
  readonly onFault: (error: unknown) => void;
}

/** When a client that could not be told may come back: at least this, and as much again by chance. */
const RETRY_MS = 1_000;

/**
 * Delivery from the log: every update of a user reaches each of the user's clients once and in order, whether it came
 * live, was missed while the client was away, or was lost between Redis and this relay.
 */
export class History {
  /** Handles a message on `LOG_CHANNEL`. */
  readonly receive: MessageHandler;
  readonly #options: HistoryOptions;
  readonly #feeds: Feeds;
  readonly #catchUps: CatchUpContext;
  readonly #resumes: Resumes;
  readonly #idleCheck: IdleCheck;
  readonly #doubts = new Map<Feed, Promise<void>>();

  constructor(options: HistoryOptions) {
    this.#options = options;
    const {
      log,
      hub,
      counters,
      clock,
      random,
      onFault,
      onUnreadable,
      resumeLimit,
      bufferBytes,
      checkEveryMs,
    } = options;
    const framer = new LogFramer(options);
    this.#feeds = new Feeds(log, (feed) => this.#clientsOf(feed)[Symbol.iterator]().next().done !== true);
    this.#catchUps = {
      reads: new LogReads(log, bufferBytes),
      framer,
      clock,
      random,
      counters,
      delivered: options.delivered,
      onMoved: (feed, position) => this.#moved(feed, position),
      onRolledBack: (feed, epoch) => this.#rolledBack(feed, epoch),
      onFault: (error) => {
        if (!(error instanceof BrokerUnavailable)) onFault(error);
      },
    };
    this.#resumes = new Resumes({
      ...this.#catchUps,
      limit: resumeLimit,
      resumed: counters,
      makeExact: (feed) => this.#makeExact(feed),
    });
    const intake = new LogIntake({
      hub,
      feeds: this.#feeds,
      framer,
      counters: options.delivered,
      onHole: (feed, place) => this.#leaveBehind(feed, place),
      onOtherEpoch: (feed) => void this.#compare(feed),
      onUnreadable,
    });
    this.receive = intake.receive;
    this.#idleCheck = new IdleCheck(this.#feeds, checkEveryMs, clock, (feed) => this.#compare(feed));
  }

  /**
   * Finds the place of a user before the handshake is answered, so that whatever is published after the client's `open`
   * comes after it. The caller owns the feed until it calls {@link release}. Waits no longer than the log does.
   */
  async admit(userId: string): Promise<Feed> {
    const feed = this.#feeds.hold(userId);
    try {
      await this.#feeds.anchor(feed);
    } catch (error) {
      this.#catchUps.onFault(error);
    }
    return feed;
  }

  /** Gives a feed back: the handshake failed, or the client is gone. */
  release(feed: Feed): void {
    this.#feeds.release(feed);
  }

  /**
   * Begins a client that was admitted and is registered: `tell` gets what its welcome has to say, at once or when the log
   * has been read. Where the client asks to resume and the log cannot be asked, it is sent away for a while (1013).
   */
  begin(client: HistoryClient, since: string | null, tell: (answer: HistoryAnswer) => void): void {
    if (since === null) tell({ ...this.#place(client) });
    else this.resume(client, since, tell);
  }

  /** Resumes a client on its open connection; as {@link begin}. */
  resume(client: HistoryClient, text: string, tell: (answer: HistoryAnswer & ResumeAnswer) => void): void {
    const { feed: user } = client;
    const since = parseSince(text);
    if (user === null || since === null) {
      const { resumes } = this.#options.counters;
      resumes.set("malformed", (resumes.get("malformed") ?? 0) + 1);
      const message = resumeFaults.malformed;
      tell({ recovered: false, following: 0, reason: "malformed", message, ...this.#place(client) });
      return;
    }
    const { broadcast } = this.#feeds;
    this.#resumes.resume(client, since, { user, broadcast }, tell).catch((error: unknown) => {
      this.#catchUps.onFault(error);
      client.catchUp?.end();
      client.close("try_later", { retryAfterMs: Math.ceil(RETRY_MS * (1 + this.#options.random())) });
    });
  }

  /** The subscription was down: anything may have been missed meanwhile. */
  resubscribed(): void {
    void this.#idleCheck.all();
  }

  stop(): void {
    this.#idleCheck.stop();
  }

  /** Where a client that is at the live end stands. */
  #place({ feed }: HistoryClient): { offset?: string } {
    const user = feed?.offset ?? null;
    const broadcast = this.#feeds.broadcast.offset;
    return user === null || broadcast === null ? {} : { offset: `${user},${broadcast}` };
  }

  /** Compares one feed with its log, unless that is being done. */
  async #compare(feed: Feed): Promise<void> {
    if (feed.isCompared) {
      feed.isComparedAgain = true;
      return;
    }
    const { place: before } = feed;
    feed.isCompared = true;
    try {
      const position = await this.#feeds.ask(feed);
      if (before === null) this.#feeds.settle(feed, position);
      else if (position.epoch === before.epoch && position.n < before.n)
        await this.#rolledBack(feed, before.epoch);
      else this.#moved(feed, position);
    } catch (error) {
      this.#catchUps.onFault(error);
    } finally {
      feed.isCompared = false;
    }
    if (!feed.isComparedAgain) return;
    feed.isComparedAgain = false;
    await this.#compare(feed);
  }

  /** Moves a feed to where its log stands, unless it is there or beyond, and has its clients catch up. */
  #moved(feed: Feed, position: LogPosition): void {
    const { place: before } = feed;
    if (before === null || feed.isAt(position)) return;
    feed.jump(position);
    this.#leaveBehind(feed, before);
  }

  /** Has a log begin anew that was rolled back in an epoch: once, however many clients found out. */
  #rolledBack(feed: Feed, epoch: string): Promise<void> {
    const doubt = async (): Promise<void> => {
      await this.#options.log.distrust(feed.target, epoch);
      this.#moved(feed, await this.#feeds.ask(feed));
    };
    let doubted = this.#doubts.get(feed);
    if (doubted === undefined) {
      doubted = doubt().finally(() => this.#doubts.delete(feed));
      this.#doubts.set(feed, doubted);
    }
    return doubted;
  }

  async #makeExact(feed: Feed): Promise<void> {
    if (feed.position !== null) return;
    const position = await this.#feeds.ask(feed);
    if (feed.position !== null) return;
    const { place } = feed;
    feed.jump(position);
    this.#leaveBehind(feed, place ?? position);
  }

  /** Has the clients of a feed catch up from where they were left. */
  #leaveBehind(feed: Feed, place: LogPosition): void {
    const { counters } = this.#options;
    const { broadcast } = this.#feeds;
    counters.holes += 1;
    for (const client of this.#clientsOf(feed)) {
      if (client.catchUp !== null) client.catchUp.lag(feed, place);
      else if (client.feed !== null) {
        const user = new Cursor(client.feed, client.feed === feed ? place : undefined);
        const all = new Cursor(broadcast, broadcast === feed ? place : undefined);
        new CatchUp(this.#catchUps, client, [user, all]).run();
      }
    }
  }

  #clientsOf(feed: Feed): Iterable<HistoryClient> {
    const { hub } = this.#options;
    return feed === this.#feeds.broadcast ? hub.clients : hub.clientsOf(feed.target);
  }
}
