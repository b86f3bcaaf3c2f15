import type { UpdateLog } from "./update-log.ts";

/** Called with the bytes of each message, in the order in which the broker delivered them. */
export type MessageHandler = (message: Uint8Array) => void;

/** One message on its way to a channel. */
export interface BrokerMessage {
  readonly channel: string;
  readonly data: string | Uint8Array;
}

/** Whether messages really arrive, and if not, why: one sentence fit for `/readyz`. */
export type BrokerHealth =
  | { readonly ok: true; readonly lagMs: number }
  | { readonly ok: false; readonly reason: string };

/** What a broker tells the one who made it. Every callback is optional, and none may throw. */
export interface BrokerEvents {
  /** Health changed from good to bad or back. */
  onHealth?: (health: BrokerHealth) => void;
  /** A probe came back after `lagMs` milliseconds through publish and subscription. */
  onLag?: (lagMs: number) => void;
  /** The subscription stands again after it was lost: what was published meanwhile has not been seen. */
  onResubscribed?: () => void;
  /**
   * A connection to the broker was lost or given up, or could not be made for another reason than the attempt
   * before; `reason` is one sentence without secrets.
   */
  onConnectionLost?: (reason: string) => void;
  /** The store answered a request with an error; `reason` is one sentence without secrets. It may come for every request. */
  onRefused?: (reason: string) => void;
  /** The rules of the logs were in the store with other bounds, and were replaced; `changes` says which. */
  onBoundsReplaced?: (changes: string) => void;
  /**
   * A message handler threw `error`, which is a bug of its owner; the messages after it are delivered all
   * the same.
   */
  onHandlerError?: (error: unknown) => void;
}

/** The channels to listen on, fixed for the broker's whole life. */
export type Subscriptions = ReadonlyMap<string, MessageHandler>;

/** Short texts, and until when each holds, in milliseconds since 1970. */
export type Marks = ReadonlyMap<string, number>;

/** What {@link Broker.setMarks} writes, and says. */
export interface MarkWrite {
  readonly key: string;
  /** Sets these, whether they are there or not. */
  readonly marks: Marks;
  /** Leaves those that are there as they are. */
  readonly onlyMissing?: boolean;
  /** In milliseconds since 1970. */
  readonly now: number;
  /** For how long a mark that has ended is still told, in milliseconds. Then it is forgotten. */
  readonly rememberMs: number;
  /** Most marks that are kept, from 1; beyond them those that end first are forgotten. */
  readonly most: number;
  /** Published once they are set, in the same step. */
  readonly tell: readonly BrokerMessage[];
}

/** Thrown by {@link Broker.publish} and the rest when what was asked for was not, or not certainly, done. */
export class BrokerUnavailable extends Error {
  override readonly name: string = "BrokerUnavailable";
  readonly code = "broker_unavailable";
  /** Whether it is certain that nothing was done, so that asking again repeats nothing. */
  readonly isUndone: boolean;

  constructor(message: string, isUndone = false) {
    super(message);
    this.isUndone = isUndone;
  }
}

/** Thrown when the store answered, and refused: the message says why. What is only not answered is no refusal. */
export class BrokerRefused extends BrokerUnavailable {
  override readonly name = "BrokerRefused";
}

/**
 * Carries messages between workers and relays by channel name. It knows neither Hub nor Client: it is handed callbacks.
 *
 * An implementation
 * - MUST call a channel's handler once for each message, in the broker's order, with exactly the published bytes;
 * - MUST NOT keep, reuse or change those bytes after the handler returned (a handler that keeps them copies them);
 * - MUST keep subscribing for as long as it lives: a lost, refused or hung connection is replaced without end and
 *   without being asked, and all channels stand or fall together;
 * - MUST report health that is proved by a message of its own through publish and subscription, not by an open socket;
 * - MUST survive a handler that throws;
 * - promises nothing about messages published while the subscription was down.
 */
export interface Broker {
  /** Begins to connect and returns at once. A broker that cannot be reached is a matter of health, not of failure. */
  start(): void;
  /**
   * Publishes all messages or none, and returns how many subscribers each one reached.
   * @throws {BrokerUnavailable} when the broker did not confirm in time; the messages may then have been published or not.
   */
  publish(messages: readonly BrokerMessage[]): Promise<readonly number[]>;
  /**
   * Publishes one message of very many, after those that were posted before. Those of one turn of the event loop leave together.
   * @throws {BrokerUnavailable} as {@link publish}.
   */
  post(channel: string, message: string): Promise<void>;
  /**
   * How many subscribers listen on exactly this channel, on all relays; those that listen by a pattern do not count.
   * @throws {BrokerUnavailable} when the broker did not answer in time.
   */
  countSubscribers(channel: string): Promise<number>;
  /**
   * Claims a key: true for exactly one of those who claim it within `ttlMs` milliseconds (a whole number from 1), on all
   * relays together. A store that loses what it held may let a second one have it.
   * @throws {BrokerUnavailable} when the broker did not confirm in time; the key may then have been claimed or not.
   */
  claimOnce(key: string, ttlMs: number): Promise<boolean>;
  /**
   * Sets marks that all relays share, and tells of them, both or neither. A mark stays at least until it ends, unless the
   * store loses what it held.
   * @throws {BrokerUnavailable} when the broker did not confirm in time; it may then have been done or not.
   */
  setMarks(write: MarkWrite): Promise<void>;
  /**
   * All marks of a key, some of which may have ended. What is set meanwhile may be missing.
   * @throws {BrokerUnavailable} when the broker did not answer in time.
   */
  readMarks(key: string): Promise<Marks>;
  /** The logs of updates, or null where history is off. */
  readonly log: UpdateLog | null;
  /** The latest health. Bad until the first probe has come back. */
  readonly health: BrokerHealth;
  /** Ends the subscription and frees everything. No handler is called after it resolves. Idempotent. */
  close(): Promise<void>;
}
