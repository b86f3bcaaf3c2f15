import type { CancelTimer, Clock, Random } from "../clock.ts";
import {
  type Broker,
  type BrokerEvents,
  type BrokerHealth,
  type BrokerMessage,
  BrokerUnavailable,
  type Marks,
  type MarkWrite,
  type Subscriptions,
} from "./broker.ts";
import { EchoProbe } from "./echo-probe.ts";
import { retryDelay } from "./redis-backoff.ts";
import { RedisLog } from "./redis-log/redis-log.ts";
import { type Pacing, unpaced } from "./read-pacer.ts";
import { RedisSession } from "./redis-session.ts";
import { parseRedisUrl, type RedisTarget } from "./redis-target.ts";
import { NoPrimary, Sentinels } from "./sentinels.ts";
import type { LogBounds, UpdateLog } from "./update-log.ts";

/** Which Sentinels to ask, and for which primary. */
export interface SentinelNames {
  /** Their `redis://` or `rediss://` addresses. */
  readonly urls: readonly string[];
  readonly name: string;
}

/** What a {@link RedisBroker} needs. */
export interface RedisBrokerOptions {
  /** `redis://` or `rediss://`, with user, password and database where needed. */
  readonly url: string;
  /** Sentinels to ask for host and port before each connection; what the URL says of these is then not used. */
  readonly sentinels?: SentinelNames | null;
  readonly subscriptions: Subscriptions;
  /** How often the broker sends itself a message to prove that messages arrive, in milliseconds. */
  readonly probeIntervalMs: number;
  /** How long Redis may stay silent before its connections are given up and replaced, in milliseconds. */
  readonly timeoutMs: number;
  /** How reads are paced while many messages come; not at all where it is absent. */
  readonly pacing?: Pacing;
  /** Unique name of the relay: printable ASCII without spaces. `CLIENT LIST` shows `tidings:<relayId>`. */
  readonly relayId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly events?: BrokerEvents;
  /** Keeps logs within these bounds. Absent or null: no log, and nothing of it in Redis. */
  readonly history?: LogBounds | null;
  /** The channel of plain `PUBLISH`, which has a lease of its own. `updates` unless given. */
  readonly channel?: string;
}

/**
 * The broker over Redis Pub/Sub. Its user needs `SUBSCRIBE`, `PUBLISH`, `MULTI`, `EXEC` and `PUBSUB|NUMSUB`, the
 * channels it subscribes and publishes to, and the probe's channel `tidings:probe:<relayId>`; for
 * {@link Broker.claimOnce} also `SET` on the keys that are claimed, and for marks `ZSCAN`, `ZADD`, `ZREMRANGEBYSCORE`,
 * `ZREMRANGEBYRANK` and `PEXPIRE` on their keys. With history on it needs
 * Redis 7 or Valkey 7.2 and more rights (`redis-log/function-library.ts`); what is missing is a reason of bad health.
 *
 * A session (two connections, one subscription) lives until anything is wrong with it and is then replaced as
 * a whole; health is good from the first echo on a session until that session is lost.
 */
export class RedisBroker implements Broker {
  readonly log: UpdateLog | null;
  readonly #options: RedisBrokerOptions;
  readonly #target: RedisTarget;
  readonly #sentinels: Sentinels | null;
  readonly #probeChannel: string;
  #health: BrokerHealth = { ok: false, reason: "the connection to Redis has not been started" };
  #started = false;
  #closed = false;
  #session: RedisSession | null = null;
  #probe: EchoProbe | null = null;
  #cancelRetry: CancelTimer | null = null;
  /** Sessions lost in a row without an echo between them. */
  #failures = 0;
  /** Whether a subscription has ever stood, so that the next one has a gap before it. */
  #hasSubscribed = false;
  #lastFailure: string | null = null;

  /** @throws {TypeError} where the URL, the relay's id or the channels cannot be used. */
  constructor(options: RedisBrokerOptions) {
    if (!/^[!-~]+$/.test(options.relayId)) {
      throw new TypeError("the relay's id must be printable ASCII without spaces");
    }
    this.#options = options;
    this.#target = parseRedisUrl(options.url);
    const { sentinels, timeoutMs, clock } = options;
    this.#sentinels = sentinels ? new Sentinels({ ...sentinels, timeoutMs, clock }) : null;
    this.log = options.history
      ? new RedisLog(
          async (name, keys, args) => this.#openSession.callFunction(name, keys, args),
          options.channel,
        )
      : null;
    this.#probeChannel = `tidings:probe:${options.relayId}`;
    if (options.subscriptions.has(this.#probeChannel)) {
      throw new TypeError(`the channel ${this.#probeChannel} belongs to the broker's probe`);
    }
  }

  get health(): BrokerHealth {
    return this.#health;
  }

  start(): void {
    if (this.#started || this.#closed) return;
    this.#started = true;
    this.#health = { ok: false, reason: "the connection to Redis is being made" };
    this.#connect();
  }

  async publish(messages: readonly BrokerMessage[]): Promise<readonly number[]> {
    const session = this.#openSession;
    return messages.length === 0 ? [] : session.publish(messages);
  }

  async post(channel: string, message: string): Promise<void> {
    return this.#openSession.post(channel, message);
  }

  async countSubscribers(channel: string): Promise<number> {
    return this.#openSession.countSubscribers(channel);
  }

  async claimOnce(key: string, ttlMs: number): Promise<boolean> {
    return this.#openSession.claimOnce(key, ttlMs);
  }

  async setMarks(write: MarkWrite): Promise<void> {
    return this.#openSession.setMarks(write);
  }

  async readMarks(key: string): Promise<Marks> {
    return this.#openSession.readMarks(key);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#dropSession();
    this.#health = { ok: false, reason: "the connection to Redis is closed" };
  }

  get #openSession(): RedisSession {
    if (this.#session === null) throw new BrokerUnavailable("there is no connection to Redis", true);
    return this.#session;
  }

  #connect(): void {
    if (this.#sentinels === null) return this.#openAt(this.#target);
    this.#sentinels.primary(this.#target).then(
      (target) => {
        if (!this.#closed) this.#openAt(target);
      },
      (error: unknown) => {
        if (!this.#closed)
          this.#fail(error instanceof NoPrimary ? error.message : "the Sentinels could not be asked");
      },
    );
  }

  #openAt(target: RedisTarget): void {
    const { relayId, timeoutMs, pacing = unpaced, clock, events, subscriptions } = this.#options;
    const session: RedisSession = new RedisSession({
      target,
      name: `tidings:${relayId}`,
      subscriptions: new Map([...subscriptions, [this.#probeChannel, (echo) => this.#probe?.receive(echo)]]),
      timeoutMs,
      pacing,
      history: this.#options.history ?? null,
      clock,
      onHandlerError: (error) => events?.onHandlerError?.(error),
      onRefused: (reason) => events?.onRefused?.(reason),
      onBoundsReplaced: (changes) => events?.onBoundsReplaced?.(changes),
      onLost: (reason) => this.#onLost(session, reason),
    });
    this.#session = session;
    session.open(() => this.#onSubscribed(session));
  }

  #onSubscribed(session: RedisSession): void {
    const hasGap = this.#hasSubscribed;
    this.#hasSubscribed = true;
    const { probeIntervalMs, timeoutMs, clock, random } = this.#options;
    this.#probe = new EchoProbe({
      publish: (nonce) => session.publishProbe(this.#probeChannel, nonce),
      intervalMs: probeIntervalMs,
      timeoutMs,
      clock,
      random,
      onEcho: (lagMs) => this.#onEcho(lagMs, hasGap),
      onSilence: (reason) => this.#onLost(session, reason),
    });
    this.#probe.start();
  }

  #onEcho(lagMs: number, hasGap: boolean): void {
    const { events } = this.#options;
    const wasBad = !this.#health.ok;
    this.#health = { ok: true, lagMs };
    this.#failures = 0;
    this.#lastFailure = null;
    if (wasBad) events?.onHealth?.(this.#health);
    if (wasBad && hasGap) events?.onResubscribed?.();
    events?.onLag?.(lagMs);
  }

  #onLost(session: RedisSession, reason: string): void {
    if (this.#session === session) this.#fail(reason);
  }

  #fail(reason: string): void {
    const { clock, random, events } = this.#options;
    const isNews = this.#probe !== null || reason !== this.#lastFailure;
    const wasGood = this.#health.ok;
    this.#dropSession();
    this.#lastFailure = reason;
    this.#health = { ok: false, reason };
    const delay = retryDelay(this.#failures++, random);
    this.#cancelRetry = clock.after(delay, () => this.#connect());
    if (wasGood) events?.onHealth?.(this.#health);
    if (isNews) events?.onConnectionLost?.(reason);
  }

  #dropSession(): void {
    this.#probe?.stop();
    this.#probe = null;
    const session = this.#session;
    this.#session = null;
    session?.destroy();
  }
}
