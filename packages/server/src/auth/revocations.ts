import { type Broker, type BrokerMessage, BrokerUnavailable, type Marks } from "../broker/broker.ts";
import type { CancelTimer, Clock } from "../clock.ts";
import type { Fleet, FleetAnswer } from "../fleet.ts";
import type { Logger } from "../log.ts";
import type { LogSampler } from "../log-sampler.ts";
import type { Refusal } from "./authenticator.ts";
import {
  MAX_REVOCATIONS,
  type Revocable,
  type Revocation,
  REVOCATION_GRACE_MS,
  revocationText,
} from "./revocation.ts";
import { RevocationTable } from "./revocation-table.ts";
import { type RevocableConnections, REVOKED, RevokedClients } from "./revoked-clients.ts";

/** What {@link Revocations} work with. */
export interface RevocationsOptions {
  readonly broker: () => Pick<Broker, "readMarks" | "setMarks">;
  readonly fleet: Pick<Fleet, "mark" | "markMessage">;
  readonly connections: RevocableConnections;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sampler: LogSampler;
}

/** A revocation, and until when it was asked for, in milliseconds since 1970. */
export interface DatedRevocation {
  readonly revocation: Revocation;
  readonly expiresAt: number;
}

/** The sorted set in which relays keep revocations: text, and end in milliseconds since 1970. */
export const REVOCATIONS_KEY = "tidings:revocations";

/** How long Redis remembers a revocation that has ended, in milliseconds: a relay that was away learns that it was lifted. */
const MEMORY_MS = 3_600_000;

/** How long after its start a relay has handshakes wait for the first read, in milliseconds. */
const FIRST_READ_MS = 3_000;

/** How long after a read that failed the next one begins, in milliseconds. */
const RETRY_MS = 500;

/**
 * How often what has ended is forgotten, and Redis is read anew, in milliseconds: what was deleted or evicted there is
 * written back.
 */
const TURN_MS = 60_000;

/** Most revocations told in one message. */
const TOLD_AT_ONCE = 500;

/**
 * The tokens that no longer hold, on all relays. Redis keeps them; each relay reads them before it lets anybody in and
 * after each loss of its connection, hears of new ones on the control channel, and judges tokens from memory. What Redis
 * lost meanwhile is written back by the relays that know it.
 *
 * While Redis is away the last known ones count: a connection that is let in then gets nothing until Redis is back, and
 * is closed when that is read.
 */
export class Revocations {
  readonly #options: RevocationsOptions;
  readonly #table = new RevocationTable();
  readonly #clients: RevokedClients;
  readonly #stopTurning: CancelTimer;
  readonly #stopWaiting: CancelTimer;
  /** What came while Redis was being read, which is newer than what is read; null while nothing is. */
  #heard: Map<string, number> | null = null;
  readonly #firstRead = Promise.withResolvers<void>();
  #isKnown = false;
  #trouble: string | null = "the revoked tokens have not been read yet";
  #isArrived = false;
  /** Grows whenever messages begin or cease to arrive: what was read before may be old. */
  #round = 0;
  #cancelRetry: CancelTimer = () => {};

  constructor(options: RevocationsOptions) {
    this.#options = options;
    this.#clients = new RevokedClients({ ...options, isRevoked: (client) => this.covers(client) });
    this.#stopTurning = options.clock.every(TURN_MS, () => this.#turn());
    this.#stopWaiting = options.clock.after(FIRST_READ_MS, this.#firstRead.resolve);
  }

  /** Why the relay may not know the latest; null where it does. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** How many are in force, or ended within the last minute. */
  get size(): number {
    return this.#table.size;
  }

  /** Whether a token is revoked. */
  covers(token: Revocable): boolean {
    return this.#table.covers(token, this.#options.clock.wall());
  }

  /**
   * Why somebody whose token holds is not let in; null where they are. Nobody is before the first read, for which those who
   * come with the relay's start wait 3 s at most: a relay listens a moment before it has read Redis.
   */
  objection(token: Revocable): Refusal | null | Promise<Refusal | null> {
    return this.#isKnown ? this.#judge(token) : this.#firstRead.promise.then(() => this.#judge(token));
  }

  /** When a revocation ends, as it was asked for; null where it is not in force. */
  expiryOf(revocation: Revocation): number | null {
    const end = this.#table.endOf(revocationText(revocation));
    return end === undefined || end <= this.#options.clock.wall() ? null : end - REVOCATION_GRACE_MS;
  }

  /** Those in force, the ones that were set last at the end. */
  list(): DatedRevocation[] {
    const now = this.#options.clock.wall();
    return Array.from(this.#table.entries, ([text, end]) => ({ text, end })).flatMap(({ text, end }) =>
      end > now ? [{ revocation: JSON.parse(text) as Revocation, expiresAt: end - REVOCATION_GRACE_MS }] : [],
    );
  }

  /** Whether there is no place for another. */
  isFullFor(revocation: Revocation): boolean {
    return this.#table.size >= MAX_REVOCATIONS && this.#table.endOf(revocationText(revocation)) === undefined;
  }

  /**
   * Keeps a revocation and applies it on all relays; null for `expiresAt` lifts it. Resolves with how many connections
   * were closed.
   * @throws {BrokerUnavailable} where it may not be kept, {FleetIncomplete} where it is and a relay has not confirmed it:
   * that one applies it when it reads Redis again.
   */
  set(revocation: Revocation, expiresAt: number | null): Promise<FleetAnswer> {
    const { fleet, clock } = this.#options;
    // Lifted in the past of every relay's clock.
    const end = (expiresAt ?? clock.wall() - 2 * REVOCATION_GRACE_MS) + REVOCATION_GRACE_MS;
    const marks = new Map([[revocationText(revocation), end]]);
    return fleet.mark(marks, (tell) => this.#write(marks, tell, false));
  }

  /** Applies what a relay tells, and resolves with how many connections were closed. */
  async heard(marks: Marks): Promise<number> {
    const now = this.#options.clock.wall();
    const added: Revocation[] = [];
    for (const [text, end] of marks) {
      this.#heard?.set(text, end);
      const revocation = this.#table.set(text, end, now);
      if (revocation === null) this.#noteUnknown();
      else if (end > now) added.push(revocation);
    }
    return added.length === 0 ? 0 : this.#clients.close(added);
  }

  /** Messages arrive, perhaps again: reads what there is, and again until that succeeds. */
  arrived(): void {
    this.#round += 1;
    this.#isArrived = true;
    if (this.#heard === null) void this.#read();
  }

  /** Messages may not arrive any more, so what is known may be old. */
  interrupted(): void {
    this.#round += 1;
    this.#isArrived = false;
    this.#cancelRetry();
    this.#trouble ??= "the revoked tokens have not been read since the connection to Redis was lost";
  }

  stop(): void {
    this.interrupted();
    this.#clients.stop();
    this.#stopTurning();
    this.#stopWaiting();
    this.#firstRead.resolve();
  }

  #judge(token: Revocable): Refusal | null {
    if (!this.#isKnown)
      return { code: "unavailable", reason: "the relay does not know yet which tokens are revoked" };
    return this.covers(token) ? { code: "revoked", reason: REVOKED } : null;
  }

  #turn(): void {
    this.#table.purge(this.#options.clock.wall());
    if (this.#isArrived && this.#heard === null) void this.#read();
  }

  async #read(): Promise<void> {
    const { broker, clock } = this.#options;
    const round = this.#round;
    const heard = (this.#heard = new Map<string, number>());
    this.#cancelRetry();
    let isDone = false;
    try {
      const stored = await broker().readMarks(REVOCATIONS_KEY);
      const lost = this.#lost(stored, heard);
      const news = this.#take(stored, heard);
      this.#isKnown = true;
      this.#stopWaiting();
      this.#firstRead.resolve();
      if (round === this.#round) this.#trouble = null;
      if (news.length > 0) void this.#clients.close(news);
      await this.#writeBack(lost);
      isDone = round === this.#round;
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      if (this.#trouble !== null) this.#trouble = `the revoked tokens cannot be read: ${error.message}`;
      // The end of the connection is told by whoever noticed it.
      if (this.#isArrived) this.#noteUnread(error.message);
    } finally {
      this.#heard = null;
    }
    if (this.#isArrived && !isDone) this.#cancelRetry = clock.after(RETRY_MS, () => void this.#read());
  }

  #noteUnread(reason: string): void {
    const { logger, sampler } = this.#options;
    const what = "revoked tokens could not be read or written back";
    sampler.note("revocations", (more) => logger.error({ reason, more }, what));
  }

  #noteUnknown(): void {
    const { logger, sampler } = this.#options;
    sampler.note("revocation", (more) => logger.warn({ more }, "a revocation that this relay does not know"));
  }

  /** Takes what was read, and returns what of it was not in force before. */
  #take(stored: Marks, heard: Marks): readonly Revocation[] {
    const now = this.#options.clock.wall();
    const news: Revocation[] = [];
    for (const [text, end] of stored) {
      if (heard.has(text) || this.#table.endOf(text) === end) continue;
      const revocation = this.#table.set(text, end, now);
      if (revocation === null) this.#noteUnknown();
      else if (end > now) news.push(revocation);
    }
    return news;
  }

  /** Redis does not forget one that is in force, so what is missing there was lost, by a restart or a failover. */
  #lost(stored: Marks, heard: Marks): [string, number][] {
    const now = this.#options.clock.wall();
    return Array.from(this.#table.entries, ([text, end]): [string, number] => [text, end]).filter(
      ([text, end]) => end > now && !stored.has(text) && !heard.has(text),
    );
  }

  async #writeBack(lost: [string, number][]): Promise<void> {
    while (lost.length > 0) {
      const marks = new Map(lost.splice(0, TOLD_AT_ONCE));
      await this.#write(marks, this.#options.fleet.markMessage(marks), true);
    }
  }

  #write(marks: Marks, tell: BrokerMessage, onlyMissing: boolean): Promise<void> {
    const write = {
      key: REVOCATIONS_KEY,
      marks,
      onlyMissing,
      rememberMs: MEMORY_MS,
      most: 2 * MAX_REVOCATIONS,
    };
    return this.#options.broker().setMarks({ ...write, now: this.#options.clock.wall(), tell: [tell] });
  }
}
