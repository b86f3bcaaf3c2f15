import {
  IDEMPOTENCY_MS,
  type LogBounds,
  type LogDraft,
  type LogEntry,
  type LogPage,
  type LogPosition,
  type PageLimit,
  type ReadOutcome,
} from "../update-log.ts";
import { ProducerCounters } from "./producer-counters.ts";

/** What an entry, and an id that is remembered, cost in memory beside their own bytes, roughly. */
const OVERHEAD_BYTES = 200;

/** What came of one draft. */
export interface Appended {
  readonly position: LogPosition;
  /** The entry, or null where the draft's id was known and nothing was stored. */
  readonly entry: LogEntry | null;
}

interface HeldEntry extends LogEntry {
  readonly appendedAt: number;
}

interface KnownId {
  readonly n: number;
  readonly appendedAt: number;
}

/** One target's log, in memory. Times are monotonic milliseconds, and never go back. */
export class TargetLog {
  /** Which life of the log this is: it is never reused. */
  readonly epoch: string;
  /** When it was last appended to or asked for. */
  touchedAt = 0;
  readonly #bounds: LogBounds;
  readonly #entries = new Map<number, HeldEntry>();
  readonly #ids = new Map<string, KnownId>();
  readonly #counters = new ProducerCounters();
  #top = 0;
  #bytes = 0;
  #idBytes = 0;

  constructor(epoch: string, bounds: LogBounds) {
    this.epoch = epoch;
    this.#bounds = bounds;
  }

  /** Where it stands. */
  get position(): LogPosition {
    return { epoch: this.epoch, n: this.#top };
  }

  /** What it takes in memory, in bytes, roughly. */
  get weight(): number {
    return this.#bytes + this.#idBytes + (this.#entries.size + this.#ids.size + 1) * OVERHEAD_BYTES;
  }

  /** Stores a draft whose bytes are `frame`, unless its id is known. Its cost does not grow with what is held. */
  append(draft: LogDraft, frame: Uint8Array, now: number): Appended {
    this.#forgetIds(now);
    const known = draft.id === null ? undefined : this.#ids.get(draft.id);
    if (known !== undefined) return { position: { epoch: this.epoch, n: known.n }, entry: null };
    this.#top += 1;
    const entry = { n: this.#top, frame, missed: this.#counters.note(draft), appendedAt: now };
    this.#entries.set(entry.n, entry);
    this.#bytes += frame.length;
    if (draft.id !== null) {
      this.#ids.set(draft.id, { n: entry.n, appendedAt: now });
      this.#idBytes += draft.id.length;
    }
    this.trim(now);
    return { position: this.position, entry };
  }

  /** Reads what follows a position, in at most one page. */
  read(after: LogPosition | "earliest", limit: PageLimit, now: number): LogPage {
    this.trim(now);
    const first = this.#first;
    const outcome = after === "earliest" ? "ok" : this.#judge(after, first);
    const from = after === "earliest" ? first : after.n + 1;
    const entries = outcome === "ok" ? this.#page(from, limit) : [];
    return { outcome, top: this.position, first, entries };
  }

  /** Lets go of what is over a bound or too old. The newest update stays whatever its size, until it is too old. */
  trim(now: number): void {
    const { updates, bytes, ttlMs } = this.#bounds;
    for (const [n, { frame, appendedAt }] of this.#entries) {
      const isOver = this.#entries.size > updates || (this.#bytes > bytes && this.#entries.size > 1);
      if (!isOver && now - appendedAt < ttlMs) return;
      this.#entries.delete(n);
      this.#bytes -= frame.length;
    }
  }

  get #first(): number {
    return this.#top - this.#entries.size + 1;
  }

  #judge({ epoch, n }: LogPosition, first: number): ReadOutcome {
    if (epoch !== this.epoch) return "epoch_changed";
    if (n > this.#top) return "ahead";
    return n + 1 < first ? "trimmed" : "ok";
  }

  #page(from: number, limit: PageLimit): LogEntry[] {
    const page: LogEntry[] = [];
    let bytes = 0;
    for (let entry = this.#entries.get(from); entry !== undefined; entry = this.#entries.get(entry.n + 1)) {
      const { n, frame, missed } = entry;
      bytes += frame.length;
      if (page.length > 0 && (page.length >= limit.updates || bytes > limit.bytes)) break;
      page.push({ n, frame, missed });
    }
    return page;
  }

  #forgetIds(now: number): void {
    for (const [id, { appendedAt }] of this.#ids) {
      if (now - appendedAt < IDEMPOTENCY_MS) return;
      this.#ids.delete(id);
      this.#idBytes -= id.length;
    }
  }
}
