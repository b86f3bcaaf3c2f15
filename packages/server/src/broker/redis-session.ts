import type { CancelTimer, Clock } from "../clock.ts";
import {
  type BrokerMessage,
  BrokerRefused,
  BrokerUnavailable,
  type Marks,
  type MarkWrite,
  type Subscriptions,
} from "./broker.ts";
import { PostQueue } from "./post-queue.ts";
import { type Pacing, ReadPacer } from "./read-pacer.ts";
import { RedisConnection } from "./redis-connection.ts";
import { describeFault, isRefusal, isUndone } from "./redis-fault.ts";
import { RedisSubscriber } from "./redis-subscriber.ts";
import {
  ensureLibrary,
  type FunctionArgument,
  isFunctionMissing,
  LibraryUnusable,
} from "./redis-log/function-library.ts";
import { leaseFault } from "./redis-log/replies.ts";
import type { RedisTarget } from "./redis-target.ts";
import { type LogBounds, LeaseLost } from "./update-log.ts";

/** What a {@link RedisSession} needs. */
export interface RedisSessionOptions {
  readonly target: RedisTarget;
  readonly name: string;
  /** Every channel to subscribe to, the probe's own among them. */
  readonly subscriptions: Subscriptions;
  /** How long connecting, subscribing, and the answer to a publish may each take, in milliseconds. */
  readonly timeoutMs: number;
  readonly pacing: Pacing;
  /** Bounds of the logs, for which Redis must have the function library; null where history is off. */
  readonly history: LogBounds | null;
  readonly clock: Clock;
  readonly onHandlerError: (error: unknown) => void;
  /** Redis answered a request with an error; `reason` is one sentence. */
  readonly onRefused: (reason: string) => void;
  /** The function library had other bounds and was replaced; `changes` says which. */
  readonly onBoundsReplaced: (changes: string) => void;
  /**
   * The session is of no more use and wants to be destroyed. `reason` is one sentence. May be called again.
   */
  readonly onLost: (reason: string) => void;
}

/**
 * Bytes that may wait for Redis' answer on each of the two connections; beyond them what is to be sent is refused, so a
 * hang cannot eat memory.
 */
const UNANSWERED_BYTES = 16 * 1_048_576;

/** How long messages of clients gather while many come, in milliseconds: half as long saves half as much. */
const GATHER_MS = 2;

/** The two connections of a broker, one to subscribe and to post, one for all else, which stand and fall together. */
export class RedisSession {
  readonly #options: RedisSessionOptions;
  readonly #subscriber: RedisSubscriber;
  readonly #commander: RedisConnection;
  #state: "opening" | "open" | "destroyed" = "opening";
  #unansweredBytes = 0;
  #cancelDeadline: CancelTimer | null = null;

  constructor(options: RedisSessionOptions) {
    this.#options = options;
    const { target, name, timeoutMs, pacing, clock, onLost } = options;
    const onFault = (error: unknown): void => onLost(describeFault(error));
    const guarded = [...options.subscriptions].map(
      ([channel, handler]) => [channel, this.#guard(handler)] as const,
    );
    this.#subscriber = new RedisSubscriber({
      target,
      name,
      subscriptions: new Map(guarded),
      pacer: new ReadPacer({ ...pacing, clock }),
      posts: new PostQueue({ timeoutMs, maxBytes: UNANSWERED_BYTES, clock }),
      gatherMs: Math.min(pacing.longestMs, GATHER_MS),
      clock,
      onFault,
    });
    this.#commander = new RedisConnection({ target, name, connectTimeoutMs: timeoutMs, onFault });
  }

  /** Connects, subscribes to every channel, and calls `onOpen`; or calls `onLost` with what went wrong. */
  open(onOpen: () => void): void {
    const { clock, timeoutMs, onLost } = this.#options;
    const silence = `Redis did not answer within ${timeoutMs} ms`;
    this.#cancelDeadline = clock.after(timeoutMs, () => onLost(silence));
    this.#open()
      .finally(this.#cancelDeadline)
      .then(
        () => {
          if (this.#state !== "opening") return;
          this.#state = "open";
          onOpen();
        },
        (error: unknown) => onLost(reasonOf(error)),
      );
  }

  /**
   * Publishes all messages or none.
   * @throws {BrokerUnavailable} at once where the session is not open or too much waits for an answer already,
   * and after `timeoutMs` where Redis does not answer.
   */
  async publish(messages: readonly BrokerMessage[]): Promise<readonly number[]> {
    if (this.#state !== "open") throw new BrokerUnavailable("there is no connection to Redis", true);
    const size = messages.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);
    return this.#bounded(size, () => this.#answered(this.#commander.publish(messages), "a publish"));
  }

  /**
   * Publishes one message of many.
   * @throws {BrokerUnavailable} as {@link publish}.
   */
  async post(channel: string, message: string): Promise<void> {
    if (this.#state !== "open") throw new BrokerUnavailable("there is no connection to Redis", true);
    try {
      await this.#subscriber.post(channel, message);
    } catch (error) {
      throw error instanceof BrokerUnavailable ? error : this.#failure(error);
    }
  }

  /**
   * Calls a function of the library, and returns its reply, in which strings are bytes.
   * @throws {LeaseLost} where the function says so.
   * @throws {BrokerUnavailable} as {@link publish}. The call may then have been carried out or not, unless `isUndone`.
   */
  async callFunction(
    name: string,
    keys: readonly string[],
    args: readonly FunctionArgument[],
  ): Promise<unknown> {
    if (this.#state !== "open") throw new BrokerUnavailable("there is no connection to Redis", true);
    const size = [...keys, ...args].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    return this.#bounded(size, () => {
      const answer = this.#commander.callFunction(name, keys, args).catch((error: unknown) => {
        // Somebody flushed the functions, or Redis came back without them: the next session loads them.
        if (isFunctionMissing(error)) this.#options.onLost("the function library in Redis is gone");
        throw leaseFault(error) ?? error;
      });
      return this.#answered(answer, "the log");
    });
  }

  /**
   * How many subscribers listen on exactly this channel.
   * @throws {BrokerUnavailable} as {@link publish}.
   */
  async countSubscribers(channel: string): Promise<number> {
    if (this.#state !== "open") throw new BrokerUnavailable("there is no connection to Redis", true);
    return this.#answered(this.#commander.countSubscribers(channel), "a question");
  }

  /**
   * Claims a key for so long; false where it is claimed already.
   * @throws {BrokerUnavailable} as {@link publish}. The key may then have been claimed or not.
   */
  async claimOnce(key: string, ttlMs: number): Promise<boolean> {
    if (this.#state !== "open") throw new BrokerUnavailable("there is no connection to Redis", true);
    const size = Buffer.byteLength(key);
    return this.#bounded(size, () => this.#answered(this.#commander.claimOnce(key, ttlMs), "a claim"));
  }

  /**
   * Sets marks and tells of them in one transaction.
   * @throws {BrokerUnavailable} as {@link publish}.
   */
  async setMarks(write: MarkWrite): Promise<void> {
    if (this.#state !== "open") throw new BrokerUnavailable("there is no connection to Redis", true);
    const texts = [...write.marks.keys(), ...write.tell.map(({ data }) => data)];
    const size = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    return this.#bounded(size, () => this.#answered(this.#commander.setMarks(write), "a write"));
  }

  /**
   * Reads marks page by page, each of which may take `timeoutMs`.
   * @throws {BrokerUnavailable} as {@link publish}.
   */
  async readMarks(key: string): Promise<Marks> {
    const marks = new Map<string, number>();
    let cursor = "0";
    do {
      if (this.#state !== "open") throw new BrokerUnavailable("there is no connection to Redis", true);
      const page = await this.#answered(this.#commander.scanMarks(key, cursor), "a question");
      for (const [text, endsAt] of page.marks) marks.set(text, endsAt);
      cursor = page.cursor;
    } while (cursor !== "0");
    return marks;
  }

  /**
   * Publishes the probe's nonce, without a deadline: the probe has its own and forgives a process that
   * stalled.
   */
  async publishProbe(channel: string, nonce: string): Promise<void> {
    try {
      await Promise.all([this.#commander.publish([{ channel, data: nonce }]), this.#provePrimary()]);
    } catch (error) {
      throw error instanceof WrongRole ? error : unavailable(error);
    }
  }

  /** Cuts both connections at once. No handler is called after it. Idempotent. */
  destroy(): void {
    this.#state = "destroyed";
    this.#cancelDeadline?.();
    this.#subscriber.destroy();
    this.#commander.destroy();
  }

  async #open(): Promise<void> {
    await Promise.all([this.#subscriber.open(), this.#commander.open()]);
    await this.#provePrimary();
    await this.#subscriber.subscribe();
    const { history } = this.#options;
    if (history === null) return;
    const changes = await ensureLibrary(this.#commander, history);
    if (changes !== null && this.#state === "opening") this.#options.onBoundsReplaced(changes);
  }

  /**
   * A replica takes `PUBLISH` and tells only its own subscribers, so an echo through it proves nothing: workers who listen
   * at the primary would not hear clients, and relays would not hear each other.
   * @throws {WrongRole} where Redis is another than the primary.
   */
  async #provePrimary(): Promise<void> {
    const role = await this.#commander.role();
    const fault = role === null ? undefined : wrongRoles[role];
    if (fault !== undefined) throw new WrongRole(fault);
  }

  /** Sends so many bytes, unless too many wait for an answer already. */
  async #bounded<T>(size: number, send: () => Promise<T>): Promise<T> {
    if (this.#unansweredBytes > 0 && this.#unansweredBytes + size > UNANSWERED_BYTES) {
      throw new BrokerUnavailable("too many messages wait for Redis to answer", true);
    }
    this.#unansweredBytes += size;
    try {
      return await send();
    } finally {
      this.#unansweredBytes -= size;
    }
  }

  /** The answer to a command, or `BrokerUnavailable` where it is an error or does not come in time. */
  #answered<T>(answer: Promise<T>, what: string): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const silence = `Redis did not answer ${what} within ${timeoutMs} ms`;
    const cancelDeadline = clock.after(timeoutMs, () => reject(new BrokerUnavailable(silence)));
    answer.then(resolve, (error: unknown) => reject(this.#failure(error))).finally(cancelDeadline);
    return promise;
  }

  #failure(error: unknown): BrokerUnavailable | LeaseLost {
    if (error instanceof LeaseLost) return error;
    const failure = unavailable(error);
    if (failure instanceof BrokerRefused) this.#options.onRefused(failure.message);
    return failure;
  }

  #guard(handler: (message: Uint8Array) => void): (message: Uint8Array) => void {
    return (message) => {
      // The reader goes on through its chunk when a handler destroys the session.
      if (this.#state === "destroyed") return;
      try {
        handler(message);
      } catch (error) {
        this.#options.onHandlerError(error);
      }
    };
  }
}

/** What is at the address, where it is no Redis that takes writes. */
const wrongRoles: Readonly<Record<string, string>> = {
  replica: "this Redis is a replica, and a relay needs the primary (READONLY)",
  slave: "this Redis is a replica, and a relay needs the primary (READONLY)",
  sentinel: "this is a Sentinel, not a Redis: name it in TIDINGS_REDIS_SENTINELS",
};

/** The server is of a kind that cannot carry a relay. */
class WrongRole extends Error {
  override readonly name = "WrongRole";
}

function reasonOf(error: unknown): string {
  return error instanceof LibraryUnusable || error instanceof WrongRole
    ? error.message
    : describeFault(error);
}

function unavailable(error: unknown): BrokerUnavailable {
  if (isRefusal(error)) return new BrokerRefused(`Redis refused: ${describeFault(error)}`, isUndone(error));
  return new BrokerUnavailable(`Redis did not confirm: ${describeFault(error)}`);
}
