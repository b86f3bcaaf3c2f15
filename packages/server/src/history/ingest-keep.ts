import type { CancelTimer, Clock } from "../clock.ts";
import type { UpdateIntake } from "../update-intake.ts";
import type { AppendQueue } from "./append-queue.ts";
import type { IngestCounters, IngestLoss } from "./ingest-counters.ts";

/** How long updates are kept for a holder that has yet to come, in milliseconds: more than a lease and a question. */
export const KEEP_MS = 5_000;

/** What the keep works with. */
export interface IngestKeepOptions {
  readonly queue: AppendQueue;
  readonly intake: UpdateIntake;
  readonly counters: IngestCounters;
  readonly clock: Clock;
  /** Updates were lost. `reason` is one sentence without payloads. */
  readonly onLoss: (kind: IngestLoss, updates: number, reason: string) => void;
}

/** What one relay keeps of the updates that it hears, be it to append them or for the case that nobody else does. */
export class IngestKeep {
  readonly #options: IngestKeepOptions;
  #keeps = false;
  #isOwn = false;
  #isForsaken = false;
  #isContested = false;
  /** What was kept while contested. */
  #contested = 0;
  #cancel: CancelTimer | null = null;

  constructor(options: IngestKeepOptions) {
    this.#options = options;
  }

  /** Whether what is kept is lost with it: no other relay keeps it too. */
  get isOwn(): boolean {
    return this.#isOwn;
  }

  /** Keeps the update that a message holds, or counts it as lost where nobody is known to keep it. */
  take(message: Uint8Array): void {
    if (!this.#keeps && !this.#isForsaken) return;
    const update = this.#options.intake.take(message);
    if (update === null) return;
    if (!this.#keeps) {
      this.#lose(1, "no relay has the lease");
      return;
    }
    const { target, idText: id, seq, producerText: producer } = update;
    const draft = { target, frame: update.frame(), id, seq, producer };
    const isTaken = this.#options.queue.push(draft, update.frameBytes);
    if (isTaken && this.#isContested) this.#contested += 1;
  }

  /** Keeps what comes, as the one who appends it. */
  own(): void {
    this.#cancel?.();
    this.#keeps = true;
    this.#isOwn = true;
    this.#isForsaken = false;
  }

  /** Keeps what comes for {@link KEEP_MS}. What comes after that is known to be kept by nobody, until one of the others. */
  forAWhile(): void {
    this.#keeps = true;
    this.#cancel?.();
    this.#cancel = this.#options.clock.after(KEEP_MS, () => {
      this.#isOwn = true;
      this.forget("no relay got the lease in time");
      this.#isForsaken = true;
    });
  }

  /** Another relay may be the one who appends what is kept from here on. */
  contest(): void {
    this.#isContested = true;
  }

  /** It was not. */
  uncontest(): void {
    this.#isContested = false;
    this.#contested = 0;
  }

  /** Others are there to keep what this relay does not, or it cannot know. */
  leaveToOthers(): void {
    this.#isForsaken = false;
  }

  /** Forgets what is kept and keeps no more. What was this relay's own and no other's is lost. */
  forget(reason: string): void {
    this.#cancel?.();
    const updates = this.#options.queue.clear() - this.#contested;
    const isLost = this.#isOwn && updates > 0;
    this.#keeps = false;
    this.#isOwn = false;
    this.uncontest();
    if (isLost) this.#lose(updates, reason);
  }

  /** Keeps no more than it has. */
  close(): void {
    this.#keeps = false;
    this.#isForsaken = false;
    this.#cancel?.();
  }

  #lose(updates: number, reason: string): void {
    this.#options.counters.lost += updates;
    this.#options.onLoss("lost", updates, reason);
  }
}
