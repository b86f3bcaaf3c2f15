import { Deliverer, type History } from "./delivery.ts";
import { type Draft, Drafter, type OutgoingUpdate, type PublishOptions } from "./draft.ts";
import { TidingsError } from "./errors.ts";
import { Inbox, type Interruption, type Message } from "./inbound.ts";
import { type IoRedisClient, IoRedisPort } from "./ioredis-port.ts";
import { type NodeRedisClient, NodeRedisPort, OwnNodeRedisPort } from "./node-redis-port.ts";
import type { RedisPort } from "./redis-port.ts";
import { askConnections, type Connections } from "./relay-api.ts";
import { check, type Issue, type StandardSchema } from "@tidings/protocol/standard-schema";
import type { EventSchemas, MessageSchemas } from "./schema.ts";
import { systemSurroundings } from "./surroundings.ts";
import { TokenStream } from "./token-stream.ts";

/** How a worker reaches Redis and the relays. */
export interface WorkerOptions<E = Record<string, unknown>, M = Record<string, unknown>> {
  /**
   * The address of Redis, for which `@redis/client` has to be installed; or a client of `@redis/client`, `redis` or
   * `ioredis` that its owner connects and closes. `TIDINGS_REDIS_URL` unless given, else `redis://127.0.0.1:6379`.
   */
  readonly redis?: string | NodeRedisClient | IoRedisClient;
  /**
   * `true` stores every update in the relay's log and rejects with `history_off` where there is none; `false` tells by
   * plain `PUBLISH`, at most once; `"auto"`, unless given, asks Redis what the relays do, at most once in half a minute.
   */
  readonly history?: History;
  /** How long to try again while Redis or the relays are away, in milliseconds; 30,000 unless given. */
  readonly retryFor?: number;
  /** The relay's `TIDINGS_CHANNEL`, for plain `PUBLISH`. */
  readonly channel?: string;
  /** The relay's `TIDINGS_INBOUND_CHANNEL`. */
  readonly inboundChannel?: string;
  /** `http://host:port` of a relay, for `connections`; `TIDINGS_RELAY_URL` unless given. */
  readonly relayUrl?: string;
  /** The relay's API key, for `connections`; `TIDINGS_API_KEY` unless given. */
  readonly apiKey?: string;
  /** The relay's limit; 1 MiB unless given. */
  readonly maxUpdateBytes?: number;
  /** The schemas of updates, by type: payloads are checked before they are published, and other types are refused. */
  readonly events?: EventSchemas<E>;
  /** The schemas of messages, by type: `listen` gives what fits, and only these types. */
  readonly messages?: MessageSchemas<M>;
  /** Closes the worker. */
  readonly signal?: AbortSignal;
}

/** What ends one request before its time. */
export interface SignalOptions {
  readonly signal?: AbortSignal;
}

/** How to stream. */
export interface StreamOptions<Payload> extends Omit<PublishOptions, "id" | "seq" | "producer"> {
  /** Makes the payload of joined text; `{ text }` unless given. */
  readonly payload?: (text: string) => Payload;
  /** How long tokens are joined before they are published, in milliseconds; 40 unless given. */
  readonly interval?: number;
}

/** How to listen. */
export interface ListenOptions extends SignalOptions {
  /** Is told when the subscription was lost and is back: messages between may have been missed. */
  readonly onInterruption?: (interruption: Interruption) => void;
  /** Is told of a message whose payload does not fit its schema. */
  readonly onInvalid?: (message: Message, issues: ReadonlyArray<Issue>) => void;
}

type Schemas = Readonly<Record<string, StandardSchema>>;

/** Publishes updates to users and hears what their browsers send. `E` and `M` name the payloads of each type. */
export class TidingsWorker<
  E = Record<string, unknown>,
  M = Record<string, unknown>,
> implements AsyncDisposable {
  readonly #options: WorkerOptions<E, M>;
  readonly #port: RedisPort;
  readonly #drafter: Drafter;
  readonly #deliverer: Deliverer;
  readonly #closed = new AbortController();

  /** @throws {TypeError} where an option means nothing. */
  constructor(options: WorkerOptions<E, M> = {}) {
    const { history = "auto", retryFor = 30_000, channel = "updates", maxUpdateBytes = 1_048_576 } = options;
    if (history !== "auto" && typeof history !== "boolean") {
      throw new TypeError('history must be true, false or "auto"');
    }
    if (!(retryFor >= 0)) throw new TypeError("retryFor must be 0 or more milliseconds");
    this.#options = options;
    this.#port = portOf(options.redis);
    this.#drafter = new Drafter(maxUpdateBytes);
    this.#deliverer = new Deliverer(this.#port, { history, channel, retryFor }, systemSurroundings);
    if (options.signal?.aborted === true) this.#close();
    options.signal?.addEventListener("abort", () => this.#close());
  }

  /**
   * Publishes one update to a user, and resolves with its offset; null where the relay keeps no history. A repeat after a
   * lost connection carries the update's id, so that the log takes it once.
   * @throws {TidingsError} `malformed` and `invalid` before anything is sent; `unavailable` where Redis or the relays were
   * away for longer than `retryFor`.
   */
  async publish<K extends keyof E & string>(
    user: string,
    type: K,
    payload: E[K],
    options: PublishOptions & SignalOptions = {},
  ): Promise<string | null> {
    const [offset = null] = await this.#deliver(
      [this.#draft({ ...options, user, type, payload })],
      options.signal,
    );
    return offset;
  }

  /** Publishes one update to every user. See {@link publish}. */
  async broadcast<K extends keyof E & string>(
    type: K,
    payload: E[K],
    options: PublishOptions & SignalOptions = {},
  ): Promise<string | null> {
    const update = { ...options, user: "*", type, payload };
    const [offset = null] = await this.#deliver([this.#draft(update, true)], options.signal);
    return offset;
  }

  /**
   * Publishes updates in their order, many in one round trip, and resolves with their offsets. All are checked before any is
   * sent. They are not one transaction: where it rejects with `unavailable`, the first ones may have been stored.
   */
  async publishMany<K extends keyof E & string>(
    updates: Iterable<OutgoingUpdate<K, E[K]>>,
    options: SignalOptions = {},
  ): Promise<(string | null)[]> {
    const drafts = Array.from(updates, (update, index) => {
      try {
        return this.#draft(update);
      } catch (error) {
        if (!(error instanceof TidingsError)) throw error;
        const { code, message, fault } = error;
        const details = fault === undefined ? { index } : { index, fault };
        throw new TidingsError(code, `update ${index}: ${message}`, { ...details, cause: error });
      }
    });
    return this.#deliver(drafts, options.signal);
  }

  /**
   * Joins tokens for 40 ms before it publishes them as updates of one type. With `await using` what waits is published when
   * the block ends, also by an exception.
   */
  stream<K extends keyof E & string>(user: string, type: K, options: StreamOptions<E[K]> = {}): TokenStream {
    const { payload = (text: string): unknown => ({ text }), interval = 40, ...rest } = options;
    // A user or a type that cannot be is said here, not after the first token.
    this.#drafter.draft({ user, type, payload: null, ...rest });
    const publish = (text: string): Promise<string | null> =>
      this.publish(user, type, payload(text) as E[K], rest);
    return new TokenStream(publish, interval, systemSurroundings);
  }

  /**
   * The messages of all users' browsers, for `for await`. It subscribes at once (`ready`), comes back after a lost
   * connection, and ends with its loop, its signal or `close`. Every listening worker gets every message, and none is kept
   * for those who do not listen.
   */
  listen(options: ListenOptions = {}): Inbox<M> {
    const { onInterruption = () => {}, onInvalid = () => {}, signal } = options;
    const schemas = this.#options.messages as Schemas | undefined;
    const accept = (message: Message): Message | null => {
      if (schemas === undefined) return message;
      const schema = Object.hasOwn(schemas, message.type) ? schemas[message.type] : undefined;
      if (schema === undefined) return null;
      const result = check(schema, message.payload);
      if (result.issues === undefined) return { ...message, payload: result.value };
      onInvalid(message, result.issues);
      return null;
    };
    const channel = this.#options.inboundChannel ?? "inbound";
    return new Inbox<M>(
      this.#port,
      { channel, onInterruption, accept },
      systemSurroundings,
      this.#signal(signal),
    );
  }

  /**
   * How many connections the user has at this moment, over all relays.
   * @throws {TypeError} where there is no `relayUrl` or `apiKey`.
   * @throws {TidingsError} `relay` where the relay does not answer, or not all relays did.
   */
  connections(user: string, options: SignalOptions = {}): Promise<Connections> {
    const { relayUrl = fromEnvironment("TIDINGS_RELAY_URL") } = this.#options;
    const { apiKey = fromEnvironment("TIDINGS_API_KEY") } = this.#options;
    return askConnections(relayUrl, apiKey, user, this.#signal(options.signal));
  }

  /** Ends listening and waiting, and closes the connection if it is the worker's own. */
  close(): void {
    this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  #close(): void {
    this.#closed.abort(new TidingsError("closed", "this worker was closed"));
    this.#port.close();
  }

  #deliver(drafts: readonly Draft[], signal: AbortSignal | undefined): Promise<(string | null)[]> {
    return this.#deliverer.deliver(drafts, this.#signal(signal));
  }

  #draft(update: OutgoingUpdate, broadcast = false): Draft {
    const schemas = this.#options.events as Schemas | undefined;
    if (schemas !== undefined) {
      const { type, payload } = update;
      const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined;
      if (schema === undefined) throw new TidingsError("invalid", `no schema is known of the type "${type}"`);
      const { issues } = check(schema, payload);
      if (issues !== undefined) {
        const why = issues.map(({ message }) => message).join("; ");
        throw new TidingsError("invalid", `the payload does not fit the schema of "${type}": ${why}`);
      }
    }
    return this.#drafter.draft(update, broadcast);
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closed.signal : AbortSignal.any([this.#closed.signal, signal]);
  }
}

function portOf(redis: WorkerOptions["redis"]): RedisPort {
  if (redis === undefined || typeof redis === "string") {
    return new OwnNodeRedisPort(redis ?? fromEnvironment("TIDINGS_REDIS_URL") ?? "redis://127.0.0.1:6379");
  }
  if ("call" in redis && typeof redis.call === "function") return new IoRedisPort(redis);
  if ("isReady" in redis && typeof redis.sendCommand === "function") return new NodeRedisPort(redis);
  throw new TypeError("redis must be an address, or a client of @redis/client, redis or ioredis");
}

function fromEnvironment(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.[name] || undefined;
}
