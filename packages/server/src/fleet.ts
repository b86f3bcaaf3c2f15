import type { Broker, BrokerMessage, Marks, MessageHandler } from "./broker/broker.ts";
import type { Clock, Random } from "./clock.ts";

/** What one relay can do about connections for all the others. */
export interface LocalConnections {
  /** How many connections the user has on this relay. */
  count(userId: string): number;
  /** Closes them, and returns how many that were. */
  disconnect(userId: string): number;
  /** Takes revocations, by text and end, and resolves with how many connections they closed. */
  revoke(marks: Marks): Promise<number>;
}

/** What all relays said together. */
export interface FleetAnswer {
  readonly connections: number;
  /** How many relays answered. */
  readonly relays: number;
}

/** Thrown where some relays did not answer in time, so that the sum would not be the truth. */
export class FleetIncomplete extends Error {
  override readonly name = "FleetIncomplete";
  readonly code = "fleet_incomplete";
  readonly answered: number;
  readonly expected: number;

  constructor(answered: number, expected: number) {
    super(`${answered} of ${expected} relays answered in time`);
    this.answered = answered;
    this.expected = expected;
  }
}

/** What is asked: about a user, or that revocations be applied. */
type Matter =
  | { readonly verb: "count" | "disconnect"; readonly user_id: string }
  | { readonly verb: "revoke"; readonly marks: readonly (readonly [string, number])[] };

type Question = Matter & {
  readonly request: string;
  readonly reply_to: string;
};

interface Reply {
  readonly request: string;
  readonly connections: number;
}

interface Pending {
  expected: number;
  answered: number;
  connections: number;
  readonly settle: () => void;
}

/** What a fleet works with. */
export interface FleetOptions {
  readonly relayId: string;
  readonly local: LocalConnections;
  readonly clock: Clock;
  readonly random: Random;
  /** How long the other relays have to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** A message on the control channel that this relay does not understand, such as a newer relay's. */
  readonly onUnknown: () => void;
}

/** Channel on which every relay takes questions. */
export const CONTROL_CHANNEL = "tidings:control";

/**
 * Asks all relays on the same Redis about connections and adds up what they say. It keeps no state in Redis: the
 * number of relays to wait for is how many listen on the control channel, so a relay that died is not waited for.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #replyChannel: string;
  readonly #decoder = new TextDecoder();
  #broker: Broker | null = null;
  #requests = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#replyChannel = `tidings:reply:${options.relayId}`;
  }

  /** The channels a relay must listen on to take part. */
  get subscriptions(): ReadonlyMap<string, MessageHandler> {
    return new Map([
      [CONTROL_CHANNEL, (message: Uint8Array) => this.#answer(message)],
      [this.#replyChannel, (message: Uint8Array) => this.#collect(message)],
    ]);
  }

  /** Gives the fleet the broker it speaks through. */
  connect(broker: Broker): void {
    this.#broker = broker;
  }

  /**
   * How many connections a user has on all relays.
   * @throws {BrokerUnavailable} @throws {FleetIncomplete}
   */
  count(userId: string): Promise<FleetAnswer> {
    return this.#ask({ verb: "count", user_id: userId });
  }

  /**
   * Closes a user's connections on all relays, and returns how many there were.
   * @throws {BrokerUnavailable} @throws {FleetIncomplete} where some relays did not confirm it in time.
   */
  disconnect(userId: string): Promise<FleetAnswer> {
    return this.#ask({ verb: "disconnect", user_id: userId });
  }

  /**
   * Has all relays take revocations, and returns how many connections they closed. `write` keeps them and publishes the
   * message that it is given, in one step.
   * @throws {BrokerUnavailable} @throws {FleetIncomplete} where some relays did not confirm it in time.
   */
  mark(marks: Marks, write: (message: BrokerMessage) => Promise<void>): Promise<FleetAnswer> {
    return this.#ask({ verb: "revoke", marks: [...marks] }, write);
  }

  /** The message that has all relays take revocations, for one who waits for no answer. */
  markMessage(marks: Marks): BrokerMessage {
    return this.#message({ verb: "revoke", marks: [...marks] }, "0");
  }

  #message(matter: Matter, request: string): BrokerMessage {
    const question: Question = { ...matter, request, reply_to: this.#replyChannel };
    return { channel: CONTROL_CHANNEL, data: JSON.stringify(question) };
  }

  async #ask(matter: Matter, publish?: (message: BrokerMessage) => Promise<void>): Promise<FleetAnswer> {
    const broker = this.#broker;
    if (broker === null) throw new Error("the fleet has no broker yet");
    this.#requests += 1;
    const request = `${this.#requests}.${Math.floor(this.#options.random() * 1e9)}`;
    const message = this.#message(matter, request);
    const { promise, resolve } = Promise.withResolvers<void>();
    const pending: Pending = { expected: Infinity, answered: 0, connections: 0, settle: resolve };
    this.#pending.set(request, pending);
    const cancel = this.#options.clock.after(this.#options.timeoutMs, resolve);
    try {
      pending.expected = await broker.countSubscribers(CONTROL_CHANNEL);
      await (publish === undefined ? broker.publish([message]) : publish(message));
      if (pending.answered < pending.expected) await promise;
      const { answered, expected, connections } = pending;
      if (answered < expected) throw new FleetIncomplete(answered, expected);
      return { connections, relays: answered };
    } finally {
      cancel();
      this.#pending.delete(request);
    }
  }

  #answer(message: Uint8Array): void {
    const question = parse(this.#decoder.decode(message), isQuestion);
    if (question === null) {
      this.#options.onUnknown();
      return;
    }
    void this.#do(question).then((connections) => {
      const reply: Reply = { request: question.request, connections };
      // A reply that is lost is told to the asker by its own deadline.
      this.#broker?.publish([{ channel: question.reply_to, data: JSON.stringify(reply) }]).catch(() => {});
    });
  }

  async #do(question: Question): Promise<number> {
    const { local } = this.#options;
    if (question.verb === "revoke") return local.revoke(new Map(question.marks));
    return question.verb === "count" ? local.count(question.user_id) : local.disconnect(question.user_id);
  }

  #collect(message: Uint8Array): void {
    const reply = parse(this.#decoder.decode(message), isReply);
    if (reply === null) {
      this.#options.onUnknown();
      return;
    }
    const pending = this.#pending.get(reply.request);
    if (pending === undefined) return;
    pending.answered += 1;
    pending.connections += reply.connections;
    if (pending.answered >= pending.expected) pending.settle();
  }
}

function parse<T>(text: string, is: (value: object) => value is T & object): T | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && is(value) ? value : null;
  } catch {
    return null;
  }
}

const isQuestion = (value: object): value is Question =>
  "verb" in value &&
  (value.verb === "revoke"
    ? "marks" in value && isMarks(value.marks)
    : (value.verb === "count" || value.verb === "disconnect") &&
      "user_id" in value &&
      typeof value.user_id === "string") &&
  "request" in value &&
  typeof value.request === "string" &&
  "reply_to" in value &&
  typeof value.reply_to === "string" &&
  value.reply_to.startsWith("tidings:reply:");

const isMarks = (value: unknown): value is [string, number][] =>
  Array.isArray(value) &&
  value.every(
    (mark: unknown) =>
      Array.isArray(mark) &&
      mark.length === 2 &&
      typeof mark[0] === "string" &&
      typeof mark[1] === "number" &&
      Number.isFinite(mark[1]),
  );

const isReply = (value: object): value is Reply =>
  "request" in value &&
  typeof value.request === "string" &&
  "connections" in value &&
  typeof value.connections === "number" &&
  Number.isInteger(value.connections);
