import type { Clock } from "../clock.ts";
import type { UnreadInput } from "./unread-input.ts";

/** A client that may be cut for what it sends. */
export interface Sender {
  /** The other end of its TCP connection, by `peerName`. */
  readonly peer: string;
  close(name: "too_many_messages", details: { readonly retryAfterMs: number }): void;
}

/** One look at all connections, which takes as many parts as there is time for. */
export interface Look {
  /**
   * Goes on until `isEnough`, which is asked after each small step. Returns the connections that have more input unread than
   * a client's largest message once all were seen, and null before. Never throws.
   */
  read(isEnough: () => boolean): UnreadInput | null;
  /** Gives up what the look holds, when it is not to be ended. */
  close(): void;
}

/** What the watch works with. */
export interface InputWatchOptions {
  readonly clock: Clock;
  readonly clients: () => Iterable<Sender>;
  readonly beginLook: () => Look;
  /** Called when clients were closed, with how many. */
  readonly onClosed: (clients: number) => void;
}

/** An event loop that is this late is looked into. */
const LATE_MS = 50;

/** Looks come no closer than this. */
const APART_MS = 250;

/** Part of the time by which the event loop was late that is spent on looking: what clients hardly notice beside it. */
const SHARE = 0.05;

/** A look goes on for so long in any case, so that it ends soon: a twentieth of the time from one observation to the next. */
const LEAST_MS = 5;

/** And for no longer than this at a time: who stood still for a minute is not to look for seconds. */
const MOST_MS = 100;

/** What was seen says nothing after nobody looked for so long. */
const FORGOTTEN_MS = 10_000;

/** A client is closed when this many looks in a row find it. */
const LOOKS = 3;

/** When a client that flooded may come back, in milliseconds. */
const RETRY_MS = 5_000;

/**
 * Finds clients whose input keeps the process from all others although no handler sees it: Bun joins the fragments of a
 * message by itself, and calls nobody for empty ones. Their input piles up in the kernel faster than it is read. Only while the
 * event loop is late does the watch look who has more unread than a whole message; whom it finds each time is closed (4429).
 * A look may take long where a machine has many connections: it goes on by a share of each delay, and adds no long one.
 */
export class InputWatch {
  readonly #options: InputWatchOptions;
  #found: ReadonlyMap<string, number> = new Map();
  #look: Look | null = null;
  #lastReadAt = -Infinity;
  #nextLookAt = -Infinity;

  constructor(options: InputWatchOptions) {
    this.#options = options;
  }

  /**
   * Takes by how many milliseconds the event loop is late, and begins to look around where that is too much. A look that was
   * begun goes on whether it is or not: a flood may make every other turn late. Never throws.
   */
  observe(delayMs: number): void {
    const { clock, beginLook } = this.#options;
    const now = clock.monotonic();
    if (now - this.#lastReadAt > FORGOTTEN_MS) this.forget();
    if (this.#look === null && (delayMs < LATE_MS || now < this.#nextLookAt)) return;
    const end = now + Math.min(MOST_MS, Math.max(LEAST_MS, delayMs * SHARE));
    this.#look ??= beginLook();
    const unread = this.#look.read(() => clock.monotonic() >= end);
    this.#lastReadAt = clock.monotonic();
    if (unread === null) return;
    this.#look = null;
    this.#nextLookAt = this.#lastReadAt + APART_MS;
    this.#judge(unread);
  }

  /** Drops what was seen, and ends a look that is under way. Idempotent. */
  forget(): void {
    this.#look?.close();
    this.#look = null;
    this.#found = new Map();
  }

  #judge(unread: UnreadInput): void {
    const found = new Map<string, number>();
    for (const peer of unread.keys()) found.set(peer, (this.#found.get(peer) ?? 0) + 1);
    this.#found = found;
    const guilty = new Set([...found].filter(([, times]) => times >= LOOKS).map(([peer]) => peer));
    if (guilty.size === 0) return;
    const senders = [...this.#options.clients()].filter(({ peer }) => guilty.has(peer));
    for (const sender of senders) sender.close("too_many_messages", { retryAfterMs: RETRY_MS });
    if (senders.length > 0) this.#options.onClosed(senders.length);
  }
}
