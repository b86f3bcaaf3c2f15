import type { Clock } from "../clock.ts";
import type { UnreadInput } from "./unread-input.ts";

/** A client that may be cut for what it sends. */
export interface Sender {
  /** The other end of its TCP connection, by `peerName`. */
  readonly peer: string;
  close(name: "too_many_messages", details: { readonly retryAfterMs: number }): void;
}

/** What the watch works with. */
export interface InputWatchOptions {
  readonly clock: Clock;
  readonly clients: () => Iterable<Sender>;
  /** The connections that have more input unread than a client's largest message. */
  readonly readUnread: () => UnreadInput;
  /** Called when clients were closed, with how many. */
  readonly onClosed: (clients: number) => void;
}

/** An event loop that is this late is looked into. */
const LATE_MS = 50;

/** Looks come no closer than this. */
const APART_MS = 250;

/** Looks take no more than a twentieth of the time: each reads the table of all connections of the machine. */
const REST_PER_LOOK = 19;

/** A look that comes so long after the next one was allowed says nothing of what lies between. */
const FORGOTTEN_MS = 10_000;

/** A client is closed when this many looks in a row find it. */
const LOOKS = 3;

/** When a client that flooded may come back, in milliseconds. */
const RETRY_MS = 5_000;

/**
 * Finds clients whose input keeps the process from all others although no handler sees it: Bun joins the fragments of a
 * message by itself, and calls nobody for empty ones. Their input piles up in the kernel faster than it is read. Only while the
 * event loop is late does the watch look who has more unread than a whole message; whom it finds each time is closed (4429).
 */
export class InputWatch {
  readonly #options: InputWatchOptions;
  #found: ReadonlyMap<string, number> = new Map();
  #nextLookAt = -Infinity;

  constructor(options: InputWatchOptions) {
    this.#options = options;
  }

  /** Takes by how many milliseconds the event loop is late, and looks around where that is too much. Never throws. */
  observe(delayMs: number): void {
    const now = this.#options.clock.monotonic();
    if (delayMs < LATE_MS || now < this.#nextLookAt) return;
    if (now - this.#nextLookAt > FORGOTTEN_MS) this.#found = new Map();
    this.#judge(this.#options.readUnread());
    const end = this.#options.clock.monotonic();
    this.#nextLookAt = end + Math.max(APART_MS, (end - now) * REST_PER_LOOK);
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
