import { type Lease, type LogDraft, LeaseLost, type UpdateLog } from "../broker/update-log.ts";
import type { IngestCounters, IngestLoss } from "./ingest-counters.ts";

/** What a queue works with. */
export interface AppendQueueOptions {
  readonly log: Pick<UpdateLog, "append">;
  /** The lease to append under, or null where there is none at the moment. */
  readonly lease: () => Lease | null;
  readonly counters: IngestCounters;
  /** Updates were not, or not certainly, stored. `reason` is one sentence without payloads. */
  readonly onLoss: (kind: IngestLoss, updates: number, reason: string) => void;
  /** The queue has shut itself, because an append failed or there is no lease. */
  readonly onShut: () => void;
}

/** Most updates in one append: 2 to 4 ms of Redis' time. */
const MAX_BATCH_UPDATES = 128;

/** Most bytes in one append, except for one larger update alone. */
const MAX_BATCH_BYTES = 262_144;

/** Bytes that may wait, with those in flight; beyond them the newest update is refused. */
const MAX_WAITING_BYTES: number = 16 * 1_048_576;

/** What a waiting update costs beside its text, roughly. */
const DRAFT_COST_BYTES = 256;

interface Waiting {
  readonly draft: LogDraft;
  readonly bytes: number;
}

/**
 * Appends updates to the log in the order in which they came, all that one turn of the event loop brought together.
 *
 * One append is in flight at a time. So the order of each log needs no proof, what a lost lease refused goes back to the
 * front with nothing stored behind it, and a connection that breaks leaves at most one batch in doubt. That batch is not
 * sent again, because it may have been stored.
 *
 * While the queue is shut, updates wait in it. It begins shut.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  #waiting: Waiting[] = [];
  #inFlight: readonly Waiting[] | null = null;
  /** Whether what is in flight has no place to go back to. */
  #isAbandoned = false;
  #bytes = 0;
  #isOpen = false;
  #isScheduled = false;
  #onSettled: (() => void)[] = [];

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  /** Whether nothing waits and nothing is in flight. */
  get isSettled(): boolean {
    return this.#waiting.length === 0 && this.#inFlight === null;
  }

  /** Takes one update of about `frameBytes` bytes, or refuses and counts it where there is no room. */
  push(draft: LogDraft, frameBytes: number): void {
    const bytes = frameBytes + DRAFT_COST_BYTES;
    if (this.#bytes > 0 && this.#bytes + bytes > MAX_WAITING_BYTES) {
      this.#lose("refused", 1, "too many updates wait for the log");
      return;
    }
    this.#bytes += bytes;
    this.#waiting.push({ draft, bytes });
    this.#schedule();
  }

  /** Lets what waits go to the log. */
  open(): void {
    this.#isOpen = true;
    this.#schedule();
  }

  /** Keeps what waits until the queue is opened; what is in flight goes on. */
  shut(): void {
    this.#isOpen = false;
  }

  /** Forgets what waits, and returns how many updates that were. Those in flight are not sent again either. */
  clear(): number {
    const { length } = this.#waiting;
    for (const { bytes } of this.#waiting) this.#bytes -= bytes;
    this.#waiting = [];
    this.#isAbandoned = this.#inFlight !== null;
    this.#tellSettled();
    return length;
  }

  /** Resolves once nothing waits and nothing is in flight. */
  settled(): Promise<void> {
    if (this.isSettled) return Promise.resolve();
    return new Promise((resolve) => this.#onSettled.push(resolve));
  }

  #schedule(): void {
    if (!this.#isOpen || this.#isScheduled || this.#inFlight !== null || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    if (!this.#isOpen || this.#inFlight !== null || this.#waiting.length === 0) return;
    const { log, counters, onShut } = this.#options;
    const lease = this.#options.lease();
    if (lease === null) {
      this.shut();
      onShut();
      return;
    }
    const batch = this.#takeBatch();
    this.#inFlight = batch;
    let outcome: unknown = null;
    try {
      await log.append(
        batch.map(({ draft }) => draft),
        lease,
      );
    } catch (error) {
      outcome = error;
    }
    this.#inFlight = null;
    const isAbandoned = this.#isAbandoned;
    this.#isAbandoned = false;
    if (outcome instanceof LeaseLost && !isAbandoned) this.#waiting = [...batch, ...this.#waiting];
    else for (const { bytes } of batch) this.#bytes -= bytes;
    if (outcome === null) counters.appended += batch.length;
    else {
      this.shut();
      if (!(outcome instanceof LeaseLost)) this.#lose("unconfirmed", batch.length, sentence(outcome));
      else if (isAbandoned) this.#lose("lost", batch.length, "the lease was lost");
      onShut();
    }
    this.#tellSettled();
    this.#schedule();
  }

  #takeBatch(): Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const waiting of this.#waiting) {
      if (count === MAX_BATCH_UPDATES || (count > 0 && bytes + waiting.bytes > MAX_BATCH_BYTES)) break;
      count += 1;
      bytes += waiting.bytes;
    }
    return this.#waiting.splice(0, count);
  }

  #lose(kind: IngestLoss, updates: number, reason: string): void {
    this.#options.counters[kind] += updates;
    this.#options.onLoss(kind, updates, reason);
  }

  #tellSettled(): void {
    if (!this.isSettled) return;
    const waiters = this.#onSettled;
    this.#onSettled = [];
    for (const resolve of waiters) resolve();
  }
}

function sentence(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
