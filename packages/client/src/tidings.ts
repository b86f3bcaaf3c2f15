import type { Gap } from "./gap.ts";
import type { Unsubscribe } from "./listeners.ts";
import type { SendOptions } from "./outgoing.ts";
import type { EventSchemas, MessageSchemas } from "./schema.ts";
import type { Status } from "./status.ts";
import type { TokenSource } from "./token.ts";
import type { InvalidUpdate, Update, UpdateOf } from "./update.ts";

/** How to connect. */
export interface ConnectOptions<E = Record<string, unknown>, M = Record<string, unknown>> {
  /**
   * The relay: its origin (`https://relay.example.com`), the path it is mounted at, or its `/ws`. In a page it may be
   * relative.
   */
  readonly url: string | URL;
  /**
   * Who the user is. A function is called afresh for every attempt, when the relay refuses the token, and before it runs
   * out; one that throws is asked again later. Leave it out where a cookie says it.
   */
  readonly token?: TokenSource;
  /**
   * From where to begin: the `offset` of an earlier connection or of a page rendered on the server, `earliest` for all
   * that the relay holds; what is new from now on unless given.
   */
  readonly since?: string | null;
  /** Schemas of updates (zod, Valibot, ArkType …). Where given, only these types arrive, each checked and typed. */
  readonly events?: EventSchemas<E>;
  /** Schemas of messages to the workers, checked before they are sent. */
  readonly messages?: MessageSchemas<M>;
  /** Closes the connection. */
  readonly signal?: AbortSignal;
  /**
   * Whether the tabs of a browser share one connection: by default where the token is a JWT that names its user, or with
   * the user's id given here.
   */
  readonly share?: boolean | string;
}

/** When a handler or a loop ends. */
export interface ListenOptions {
  readonly signal?: AbortSignal;
}

/** A connection to a relay, which comes back by itself and goes on where it was. */
export interface Tidings<E = Record<string, unknown>, M = Record<string, unknown>> {
  /** How the connection stands. */
  readonly status: Status;
  /** The place after all that was told so far, to be given as `since`; null before the relay named one. */
  readonly offset: string | null;
  /** Calls `handler` on every change of the status. */
  on(type: "tidings.status", handler: (status: Status) => void, options?: ListenOptions): Unsubscribe;
  /** Calls `handler` where updates were missed that will not come. Whoever shows a state loads it anew. */
  on(type: "tidings.gap", handler: (gap: Gap) => void, options?: ListenOptions): Unsubscribe;
  /** Calls `handler` with updates that their schema refused. */
  on(
    type: "tidings.invalid",
    handler: (invalid: InvalidUpdate) => void,
    options?: ListenOptions,
  ): Unsubscribe;
  /** Calls `handler` with every update. */
  on(
    type: "*",
    handler: (payload: unknown, update: UpdateOf<E>) => void,
    options?: ListenOptions,
  ): Unsubscribe;
  /** Calls `handler` with every update of a type, once and in order. Returns what stops it. */
  on<K extends keyof E & string>(
    type: K,
    handler: (payload: E[K], update: Update<K, E[K]>) => void,
    options?: ListenOptions,
  ): Unsubscribe;
  /**
   * The updates from this call on, of one type or of all, for `for await`. Leaving the loop, `signal` and `close` end it;
   * a loop that falls 10,000 updates behind throws `too_many`.
   */
  updates<K extends keyof E & string>(
    type: K,
    options?: ListenOptions,
  ): AsyncIterableIterator<Update<K, E[K]>>;
  updates(type?: "*", options?: ListenOptions): AsyncIterableIterator<UpdateOf<E>>;
  /** As {@link updates} of all types. */
  [Symbol.asyncIterator](): AsyncIterableIterator<UpdateOf<E>>;
  /**
   * Sends a message to the workers, as soon as there is a connection, and resolves when the relay has handed it on. That
   * does not say that a worker listened.
   * @throws {@link TidingsError} with a code that says why not; after `unconfirmed` it may have arrived.
   */
  send<K extends keyof M & string>(type: K, payload: M[K], options?: SendOptions): Promise<void>;
  /** Tries at once, also after the relay refused; with another token where one is given. */
  reconnect(token?: TokenSource): void;
  /** Ends it for good. Loops end, messages that wait fail with `closed`. */
  close(): void;
}
