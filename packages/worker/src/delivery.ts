import { type Backoff, fullJitter } from "./backoff.ts";
import { type Draft, malformed, offsetOf } from "./draft.ts";
import { messageOf, TidingsError } from "./errors.ts";
import { type CommandWords, isRefusal, type RedisPort } from "./redis-port.ts";
import type { Surroundings } from "./surroundings.ts";

/** Whether to store updates in the relay's log: `"auto"` finds out. */
export type History = boolean | "auto";

/** How a {@link Deliverer} delivers. */
export interface DelivererOptions {
  readonly history: History;
  readonly channel: string;
  /** How long to try again, in milliseconds. */
  readonly retryFor: number;
}

/** Who listens: relays with history, relays without, none; or Redis does not say. */
type Sight = "history" | "plain" | "nobody" | "unknown";

const BACKOFF: Backoff = { first: 50, longest: 2_000 };
/** How long what "auto" found out holds, in milliseconds. */
const SIGHT_LIFE = 30_000;
/** How long Redis may take to answer, in milliseconds. */
const COMMAND_TIMEOUT = 5_000;
/** At most this many updates, and about this many bytes, go to Redis at once. */
const MOST_AT_ONCE = 256;
const MOST_BYTES_AT_ONCE = 4 * 1_048_576;

const NO_LOG = /function not found|unknown command|tidings: history_off/i;
const REFUSAL = /tidings: (?<fault>[a-z_]+): (?<sentence>.*)$/s;
const PASSING = /^(?:LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|MISCONF|NOREPLICAS|OOM)\b/;

/** A fault that passes: try again. */
class Passing extends Error {
  readonly fault: TidingsError | Error;

  constructor(fault: unknown) {
    super(messageOf(fault));
    this.fault = fault instanceof Error ? fault : new Error(messageOf(fault));
  }
}

/** Knows whether the relay keeps history, and gets drafts to Redis with repeats that never double. */
export class Deliverer {
  readonly #port: RedisPort;
  readonly #options: DelivererOptions;
  readonly #surroundings: Surroundings;
  #found: Sight | null = null;
  #foundUntil = 0;

  constructor(port: RedisPort, options: DelivererOptions, surroundings: Surroundings) {
    this.#port = port;
    this.#options = options;
    this.#surroundings = surroundings;
  }

  /** Publishes all drafts in their order; the offset of each, or null where there is no history. */
  async deliver(drafts: readonly Draft[], signal: AbortSignal): Promise<(string | null)[]> {
    const offsets: (string | null)[] = [];
    try {
      for (const chunk of chunks(drafts)) offsets.push(...(await this.#persist(chunk, signal)));
      return offsets;
    } catch (error) {
      if (!(error instanceof TidingsError)) throw error;
      const { code, message, fault, index, cause } = error;
      if (code === "malformed" && index !== undefined && drafts.length > 1) {
        throw malformed(fault ?? "", message, offsets.length + index);
      }
      if (code === "malformed") throw malformed(fault ?? "", message);
      const updateIds = drafts.slice(offsets.length).map(({ id }) => id);
      throw new TidingsError(code, message, { updateIds, cause });
    }
  }

  /** Tries until it worked or the time is up. */
  async #persist(drafts: readonly Draft[], signal: AbortSignal): Promise<(string | null)[]> {
    const { now, random, sleep } = this.#surroundings;
    const deadline = now() + this.#options.retryFor;
    for (let failures = 0; ; failures += 1) {
      stopWhere(signal);
      try {
        return await this.#attempt(drafts, signal);
      } catch (error) {
        stopWhere(signal);
        if (!(error instanceof Passing)) throw error;
        const wait = fullJitter(failures, BACKOFF, random());
        if (now() + wait > deadline) {
          if (error.fault instanceof TidingsError && error.fault.code === "history_off") throw error.fault;
          const message = `not published within ${this.#options.retryFor} ms: ${error.message}`;
          throw new TidingsError("unavailable", message, { cause: error.fault });
        }
        await sleep(wait, signal);
      }
    }
  }

  async #attempt(drafts: readonly Draft[], signal: AbortSignal): Promise<(string | null)[]> {
    const sight = await this.#look(signal);
    if (sight === "plain") {
      await this.#tell(drafts, signal);
      return drafts.map(() => null);
    }
    const calls = drafts.map(({ key, text }) => ["FCALL", "tidings_publish", "1", key, text]);
    const replies = await this.#ask(calls, signal);
    const missing = replies.find((reply) => isRefusal(reply) && NO_LOG.test(reply.message));
    if (missing === undefined) return drafts.map((draft, at) => offset(draft, replies[at], at));
    // Functions are gone after a restart of Redis until a relay loads them.
    this.#found = null;
    const why = messageOf(missing);
    if (this.#options.history === true) {
      throw new Passing(new TidingsError("history_off", `the relay keeps no history: ${why}`));
    }
    if (sight === "nobody") throw new Passing("no relay listens on this Redis");
    if (sight === "history") throw new Passing(`no relay has loaded its functions into Redis yet: ${why}`);
    if ((await this.#tell(drafts, signal)) === 0) throw new Passing("no relay listens on this Redis");
    this.#learn("plain");
    return drafts.map(() => null);
  }

  /** Who listens, as far as it is not known. */
  async #look(signal: AbortSignal): Promise<Sight> {
    const { history } = this.#options;
    if (history !== "auto") return history ? "history" : "plain";
    if (this.#found !== null && this.#surroundings.now() < this.#foundUntil) return this.#found;
    const [reply] = await this.#ask([["PUBSUB", "NUMSUB", "tidings:log", "tidings:control"]], signal);
    const counts = Array.isArray(reply) ? reply.flat().filter((_, at) => at % 2 === 1) : [];
    const [withHistory, relays] = counts.map(Number);
    if (withHistory === undefined || relays === undefined) return "unknown";
    if (withHistory === 0 && relays === 0) return "nobody";
    // Functions stay in a Redis whose relays were started again without history: nobody would deliver.
    return this.#learn(withHistory > 0 ? "history" : "plain");
  }

  #learn(sight: Sight): Sight {
    this.#found = sight;
    this.#foundUntil = this.#surroundings.now() + SIGHT_LIFE;
    return sight;
  }

  /** Plain PUBLISH, at most once; how many listened to the one that most heard. */
  async #tell(drafts: readonly Draft[], signal: AbortSignal): Promise<number> {
    // What is lost together with its connection cannot be sent again, so the connection is tried first.
    await this.#ask([["PING"]], signal);
    const { channel } = this.#options;
    let replies: readonly unknown[];
    try {
      replies = await this.#send(
        drafts.map(({ text }) => ["PUBLISH", channel, text]),
        signal,
      );
    } catch (error) {
      const message = `the connection to Redis was lost while publishing: ${messageOf(error)}`;
      throw new TidingsError("unconfirmed", message, { cause: error });
    }
    const refusal = replies.find(isRefusal);
    if (refusal !== undefined) throw judge(refusal);
    return Math.max(...replies.map(Number));
  }

  /** Sends commands that may be repeated. */
  async #ask(commands: readonly CommandWords[], signal: AbortSignal): Promise<readonly unknown[]> {
    let replies: readonly unknown[];
    try {
      replies = await this.#send(commands, signal);
    } catch (error) {
      throw judge(error);
    }
    const passing = replies.find((reply) => isRefusal(reply) && PASSING.test(reply.message));
    if (passing !== undefined) throw new Passing(passing);
    return replies;
  }

  async #send(commands: readonly CommandWords[], signal: AbortSignal): Promise<readonly unknown[]> {
    const done = new AbortController();
    const over = AbortSignal.any([signal, done.signal]);
    const late = this.#surroundings.sleep(COMMAND_TIMEOUT, over).then((): never => {
      throw new Error(signal.aborted ? "closed" : `Redis did not answer within ${COMMAND_TIMEOUT} ms`);
    });
    late.catch(() => {});
    try {
      return await Promise.race([this.#port.send(commands, over), late]);
    } finally {
      done.abort();
    }
  }
}

function* chunks(drafts: readonly Draft[]): Generator<readonly Draft[]> {
  let start = 0;
  let bytes = 0;
  for (const [at, draft] of drafts.entries()) {
    if (at > start && (at - start === MOST_AT_ONCE || bytes + draft.bytes > MOST_BYTES_AT_ONCE)) {
      yield drafts.slice(start, at);
      start = at;
      bytes = 0;
    }
    bytes += draft.bytes;
  }
  if (start < drafts.length) yield drafts.slice(start);
}

/** What a command's fault means: it passes, or Redis does not want this. */
function judge(error: unknown): Error {
  if (!isRefusal(error) || PASSING.test(error.message)) return new Passing(error);
  return new TidingsError("refused", `Redis refused: ${error.message}`, { cause: error });
}

function offset(draft: Draft, reply: unknown, index: number): string {
  if (!isRefusal(reply)) return offsetOf(draft, String(reply));
  const { fault, sentence } = REFUSAL.exec(reply.message)?.groups ?? {};
  if (fault === undefined) throw judge(reply);
  throw new TidingsError("malformed", sentence ?? "", { fault, index });
}

function stopWhere(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof TidingsError) throw signal.reason;
  throw signal.reason;
}
