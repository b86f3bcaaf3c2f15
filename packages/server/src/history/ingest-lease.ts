import type { Lease, UpdateLog } from "../broker/update-log.ts";
import type { CancelTimer, Clock, Random } from "../clock.ts";

/** How long a lease lasts without being renewed, in milliseconds. */
export const LEASE_TTL_MS = 2_000;

/**
 * Longest time between two questions for the lease. A holder that dies is replaced after `LEASE_TTL_MS` + `ASK_MS` and two
 * round trips at the latest.
 */
const ASK_MS = 500;

/** Shortest time between two regular questions. */
export const SHORTEST_ASK_MS: number = ASK_MS * 0.8;

/** The holder lets go this much before its lease ends, as the log does. */
const MARGIN_MS = 50;

/** Told what becomes of the lease. None may throw. */
interface IngestLeaseEvents {
  /**
   * This relay has the lease. `isUnbroken` says that nobody else can have had it since the last time this was said.
   */
  readonly onHeld: (isUnbroken: boolean) => void;
  /** Somebody else has it. */
  readonly onRefused: () => void;
  /** It was held, and could not be renewed in time. */
  readonly onLapsed: () => void;
}

/** What a lease works with. */
export interface IngestLeaseOptions extends IngestLeaseEvents {
  readonly log: Pick<UpdateLog, "lease" | "release">;
  /** A name that no other relay has. */
  readonly holder: string;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Keeps the lease where this relay has it and tries to get it where it has not, two times a second.
 *
 * The log's clock decides who has it, and `append` checks it there. By its own monotonic clock a relay counts its lease
 * from when it asked, so it gives up before the log does, also where the log no longer answers.
 */
export class IngestLease {
  readonly #options: IngestLeaseOptions;
  #lease: Lease | null = null;
  /** When the lease in hand was asked for. */
  #askedAt = 0;
  #lastDeadline: number | null = null;
  /** Whether it was renewed in time ever since it was last said to be held. */
  #isUnbroken = false;
  #isAsking = false;
  #askAgain = false;
  #isStopped = false;
  #cancel: CancelTimer | null = null;
  /** When the question was asked that was answered last. */
  #answeredAt = -Infinity;
  #fault: string | null = null;
  #asked = 0;
  #answered = 0;

  constructor(options: IngestLeaseOptions) {
    this.#options = options;
  }

  /** The lease, or null where this relay does not have it or cannot be sure to. */
  get current(): Lease | null {
    const age = this.#options.clock.monotonic() - this.#askedAt;
    return age < LEASE_TTL_MS - MARGIN_MS ? this.#lease : null;
  }

  /** How many questions were asked so far. */
  get asked(): number {
    return this.#asked;
  }

  /** Which of the questions, counted from 1, was answered last. */
  get answered(): number {
    return this.#answered;
  }

  /** Whether the log's last answer, be it yes or no, still says something of the present. */
  get isFresh(): boolean {
    return this.#options.clock.monotonic() - this.#answeredAt < LEASE_TTL_MS + ASK_MS;
  }

  /** Why the last question was not answered, in one sentence; null where it was. */
  get fault(): string | null {
    return this.#fault;
  }

  /** Asks at once, and from then on regularly. */
  start(): void {
    this.#tick();
  }

  /** Asks at once, beside the regular questions. */
  ask(): void {
    if (this.#isStopped) return;
    if (this.#isAsking) this.#askAgain = true;
    else void this.#ask();
  }

  /** Asks no more. A lease that is held runs out by itself; one that a late answer brings is given back. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    this.#lease = null;
    this.#cancel?.();
  }

  /** Stops, and gives the lease back. Never rejects: where the log cannot be told, the lease runs out by itself. */
  async release(): Promise<void> {
    this.stop();
    await this.#options.log.release(this.#options.holder).catch(() => {});
  }

  #tick(): void {
    const { clock, random, onLapsed } = this.#options;
    this.#cancel = clock.after(SHORTEST_ASK_MS + (ASK_MS - SHORTEST_ASK_MS) * random(), () => this.#tick());
    if (this.#lease !== null && this.current === null) {
      this.#lease = null;
      onLapsed();
    }
    if (!this.#isAsking) void this.#ask();
  }

  async #ask(): Promise<void> {
    const { log, holder, clock } = this.#options;
    this.#isAsking = true;
    do {
      this.#askAgain = false;
      const askedAt = clock.monotonic();
      this.#asked += 1;
      const answer = await log.lease(holder, LEASE_TTL_MS).catch((error: unknown) => {
        this.#fault = error instanceof Error ? error.message : String(error);
        return null;
      });
      if (answer !== null) {
        this.#fault = null;
        this.#answered = this.#asked;
        this.#answeredAt = askedAt;
        this.#take(answer, askedAt);
      }
    } while (this.#askAgain && !this.#isStopped);
    this.#isAsking = false;
  }

  #take(answer: Lease, askedAt: number): void {
    const { onHeld, onRefused } = this.#options;
    if (this.#isStopped) {
      if (answer.isHeld) void this.release();
      return;
    }
    if (!answer.isHeld) {
      this.#lease = null;
      this.#isUnbroken = false;
      onRefused();
      return;
    }
    // By the log's clock alone: it was renewed before it ran out, whatever this process thinks of the time between.
    const extension = this.#lastDeadline === null ? -1 : answer.deadline - this.#lastDeadline;
    if (extension < 0 || extension >= LEASE_TTL_MS) this.#isUnbroken = false;
    this.#lease = answer;
    this.#askedAt = askedAt;
    this.#lastDeadline = answer.deadline;
    if (this.current === null) {
      // An answer that was long on its way, as in a process that was frozen, says nothing of the present.
      this.#askAgain = true;
      return;
    }
    const isUnbroken = this.#isUnbroken;
    this.#isUnbroken = true;
    onHeld(isUnbroken);
  }
}
