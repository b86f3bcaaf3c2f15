import { type Backoff, fullJitter } from "./backoff.ts";
import { messageOf, TidingsError } from "./errors.ts";
import { isRefusal, type RedisPort, type Subscription } from "./redis-port.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a browser sent. The user comes from its token, everything else from the browser: check it. */
export interface Message<Type extends string = string, Payload = unknown> {
  readonly user: string;
  readonly connectionId: string;
  readonly type: Type;
  readonly payload: Payload;
  readonly receivedAt: Date;
}

/** A message of any of the types of a map. */
export type MessageOf<M> = { [K in keyof M & string]: Message<K, M[K]> }[keyof M & string];

/** The subscription was lost and is back: messages between may have been missed. */
export interface Interruption {
  /** From the moment the loss was seen to the new subscription, in milliseconds. */
  readonly duration: number;
  /** What was wrong, for the log. */
  readonly cause: string;
}

/** What a {@link listenTo} is told. */
export interface InboxOptions {
  readonly channel: string;
  readonly onInterruption: (interruption: Interruption) => void;
  /** The message as its handler gets it, or null to pass over it. */
  readonly accept: (message: Message) => Message | null;
}

const BACKOFF: Backoff = { first: 50, longest: 2_000 };
/** How often a connection is asked whether it lives, and how long it may take to say so, in milliseconds. */
const PING_INTERVAL = 15_000;
const PING_TIMEOUT = 10_000;
/** A worker that falls this many messages behind is told so rather than let memory grow. */
const MOST_WAITING = 10_000;

/** Reads what a relay published on `inbound`; null where no relay wrote it. */
export function parseMessage(text: string): Message | null {
  let value: Record<string, unknown> | null;
  try {
    value = JSON.parse(text) as Record<string, unknown> | null;
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "payload")) return null;
  const { user_id: user, connection_id: connectionId, type, payload, received_at: at } = value;
  if (typeof user !== "string" || typeof connectionId !== "string") return null;
  if (typeof type !== "string" || typeof at !== "string") return null;
  const receivedAt = new Date(at);
  return Number.isNaN(receivedAt.getTime()) ? null : { user, connectionId, type, payload, receivedAt };
}

/** Messages as they come, over lost connections, until the signal is aborted. */
export class Inbox<M> implements AsyncIterableIterator<MessageOf<M>>, AsyncDisposable {
  /** Resolves when the subscription stands for the first time; rejects where Redis does not let this user listen. */
  readonly ready: Promise<void>;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #waiting: Message[] = [];
  #wake: () => void = () => {};
  #fault: unknown = null;

  constructor(port: RedisPort, options: InboxOptions, surroundings: Surroundings, signal: AbortSignal) {
    this.#signal = AbortSignal.any([this.#stop.signal, signal]);
    this.#signal.addEventListener("abort", () => this.#wake());
    this.ready = new Promise((resolve, reject) => {
      this.#run(port, options, surroundings, resolve).then(resolve, (error: unknown) => {
        this.#fault = error;
        this.#wake();
        reject(error);
      });
    });
    // Whoever iterates hears of it there.
    this.ready.catch(() => {});
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<MessageOf<M>, undefined>> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message !== undefined && !this.#stop.signal.aborted) {
        return { done: false, value: message as MessageOf<M> };
      }
      if (this.#fault !== null) throw this.#fault;
      if (this.#signal.aborted) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Ends listening; a `for await` that is left calls it. */
  return(): Promise<IteratorResult<MessageOf<M>, undefined>> {
    this.#stop.abort();
    return Promise.resolve({ done: true, value: undefined });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #run(
    port: RedisPort,
    options: InboxOptions,
    { now, random, sleep }: Surroundings,
    onReady: () => void,
  ): Promise<void> {
    let lostAt: number | null = null;
    let cause = "";
    for (let failures = 0; !this.#signal.aborted; failures += 1) {
      const over = new AbortController();
      let subscription: Subscription | null = null;
      try {
        subscription = await port.subscribe(options.channel, {
          onMessage: (text) => this.#receive(text, options.accept),
          onEnd: (error) => over.abort(error),
        });
        failures = 0;
        if (lostAt !== null) options.onInterruption({ duration: now() - lostAt, cause });
        lostAt = null;
        onReady();
        const end = AbortSignal.any([this.#signal, over.signal]);
        while (!end.aborted) {
          await sleep(PING_INTERVAL, end);
          if (!end.aborted) await answers(subscription, sleep, end);
        }
        if (over.signal.aborted) throw over.signal.reason;
      } catch (error) {
        if (isRefusal(error) && /^(?:NOAUTH|NOPERM|WRONGPASS)/.test(error.message)) {
          throw new TidingsError("refused", error.message, { cause: error });
        }
        lostAt ??= now();
        cause = messageOf(error);
      } finally {
        subscription?.close();
      }
      await sleep(fullJitter(failures, BACKOFF, random()), this.#signal);
    }
  }

  #receive(text: string, accept: InboxOptions["accept"]): void {
    const parsed = parseMessage(text);
    const message = parsed === null ? null : accept(parsed);
    if (message === null) return;
    if (this.#waiting.length >= MOST_WAITING) {
      this.#fault = new TidingsError("unavailable", `${MOST_WAITING} messages wait for this worker`);
      this.#stop.abort();
      return;
    }
    this.#waiting.push(message);
    this.#wake();
  }
}

/** Rejects where the subscription's connection does not answer in time. */
async function answers(
  subscription: Subscription,
  sleep: Surroundings["sleep"],
  end: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  const late = sleep(PING_TIMEOUT, AbortSignal.any([end, done.signal])).then(() => {
    if (!end.aborted && !done.signal.aborted) throw new Error("Redis does not answer");
  });
  late.catch(() => {});
  const pong = subscription.ping();
  pong.catch(() => {});
  try {
    await Promise.race([pong, late]);
  } finally {
    done.abort();
  }
}
