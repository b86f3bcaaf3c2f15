import { BrokerRefused, BrokerUnavailable } from "../broker/broker.ts";
import { type Lease, type LogDraft, LeaseLost, type UpdateLog } from "../broker/update-log.ts";
import type { Clock } from "../clock.ts";
import type { IngestCounters, IngestLoss } from "./ingest-counters.ts";

/** What a queue works with. */
export interface AppendQueueOptions {
  readonly log: Pick<UpdateLog, "append">;
  /** The lease to append under, or null where there is none at the moment. */
  readonly lease: () => Lease | null;
  readonly counters: IngestCounters;
  readonly clock: Clock;
  /** Updates were not, or not certainly, stored. `reason` is one sentence without payloads. */
  readonly onLoss: (kind: IngestLoss, updates: number, reason: string) => void;
  /**
   * The queue has shut itself, because an append got no answer or there is no lease. Where the log refused instead, asking
   * at once what to do would have it asked without end.
   */
  readonly onShut: () => void;
}

/** Most updates in one append: 2 to 4 ms of Redis' time. */
const MAX_BATCH_UPDATES = 128;

/** Most bytes in one append, except for one larger update alone. */
const MAX_BATCH_BYTES = 262_144;

/** Bytes that may wait, with those in flight; beyond them the newest update is refused. */
const MAX_WAITING_BYTES: number = 16 * 1_048_576;

/** How long updates wait for a log that refuses or cannot be asked, in milliseconds. */
export const PATIENCE_MS = 5_000;

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
 * sent again, because it may have been stored. One that the log certainly did not store goes back to the front as well,
 * until the log has stored none for {@link PATIENCE_MS}: then all that waits is refused, so that nobody gets what is old
 * as if it were new.
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
  #refusal: string | null = null;
  /** When the first append of those that stored nothing failed. */
  #failingSince: number | null = null;
  #onSettled: (() => void)[] = [];

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  /** Whether nothing waits and nothing is in flight. */
  get isSettled(): boolean {
    return this.#waiting.length === 0 && this.#inFlight === null;
  }

  /** Why the log refused the last append, in one sentence; null where it did not. An empty queue goes on asking. */
  get refusal(): string | null {
    return this.#refusal;
  }

  /** Takes one update of about `frameBytes` bytes; or refuses and counts it where there is no room, and returns false. */
  push(draft: LogDraft, frameBytes: number): boolean {
    const bytes = frameBytes + DRAFT_COST_BYTES;
    if (this.#bytes > 0 && this.#bytes + bytes > MAX_WAITING_BYTES) {
      this.#lose("refused", 1, "too many updates wait for the log");
      return false;
    }
    this.#bytes += bytes;
    this.#waiting.push({ draft, bytes });
    this.#schedule();
    return true;
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
    this.#drop(this.#waiting);
    this.#waiting = [];
    this.#isAbandoned = this.#inFlight !== null;
    this.#refusal = null;
    this.#failingSince = null;
    this.#tellSettled();
    return length;
  }

  /** Resolves once nothing waits and nothing is in flight. */
  settled(): Promise<void> {
    if (this.isSettled) return Promise.resolve();
    return new Promise((resolve) => this.#onSettled.push(resolve));
  }

  /** Whether there is something to say to the log, be it the question whether it still refuses. */
  get #hasWork(): boolean {
    return this.#isOpen && this.#inFlight === null && (this.#waiting.length > 0 || this.#refusal !== null);
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#hasWork) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    if (!this.#hasWork) return;
    const { log, onShut } = this.#options;
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
    if (outcome === null) this.#stored(batch);
    else {
      this.shut();
      this.#failed(batch, outcome, isAbandoned);
      if (!isRefusal(outcome)) onShut();
    }
    this.#tellSettled();
    this.#schedule();
  }

  #stored(batch: readonly Waiting[]): void {
    this.#drop(batch);
    this.#options.counters.appended += batch.length;
    this.#refusal = null;
    this.#failingSince = null;
  }

  #failed(batch: readonly Waiting[], outcome: unknown, isAbandoned: boolean): void {
    if (outcome instanceof BrokerRefused && !isAbandoned) this.#refusal = outcome.message;
    const isUndone = isCertainlyUndone(outcome);
    if (!isUndone && !(outcome instanceof LeaseLost)) {
      this.#drop(batch);
      this.#lose("unconfirmed", batch.length, sentence(outcome));
    } else if (isAbandoned) {
      this.#drop(batch);
      this.#lose("lost", batch.length, isUndone ? sentence(outcome) : "the lease was lost");
    } else {
      this.#waiting = [...batch, ...this.#waiting];
      if (isUndone) this.#giveUpInTime(sentence(outcome));
    }
  }

  #giveUpInTime(reason: string): void {
    const now = this.#options.clock.monotonic();
    this.#failingSince ??= now;
    if (now - this.#failingSince < PATIENCE_MS) return;
    const updates = this.#waiting.length;
    this.#drop(this.#waiting);
    this.#waiting = [];
    this.#lose("refused", updates, reason);
  }

  /** Takes updates that leave the queue off its bytes. */
  #drop(gone: readonly Waiting[]): void {
    for (const { bytes } of gone) this.#bytes -= bytes;
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
    if (updates === 0) return;
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

function isCertainlyUndone(error: unknown): boolean {
  return error instanceof BrokerUnavailable && error.isUndone;
}

function isRefusal(error: unknown): boolean {
  return error instanceof BrokerRefused || isCertainlyUndone(error);
}

function sentence(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
