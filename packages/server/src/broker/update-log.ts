/** Where a log stands, or where somebody is in it. */
export interface LogPosition {
  /** Which life of the log: it changes when entries may have been lost. 1 to 32 of `A-Z a-z 0-9 _ -`. */
  readonly epoch: string;
  /** The number of an update, contiguous from 1; 0 stands before the first. */
  readonly n: number;
}

/** Numbers of a producer's counter that never reached the log. */
export interface MissedUpdates {
  /** The producer's name, decoded, or null where it gave none. */
  readonly producer: string | null;
  /** The first number missing, and the last. */
  readonly from: number;
  readonly to: number;
}

/** One update on its way into a log. */
export interface LogDraft {
  /** The id of the user, or `"*"` for the log of broadcasts. */
  readonly target: string;
  /** The update without its `target_user_id`, as text or UTF-8. */
  readonly frame: string | Uint8Array;
  /** The JSON text of the update's `id`: a second draft with it within 10 minutes is not stored again. */
  readonly id: string | null;
  /** The producer's counter for this user. */
  readonly seq: number | null;
  /** The JSON text of the producer's name, a string: each has a counter of its own. */
  readonly producer: string | null;
}

/** One update in a log. */
export interface LogEntry {
  readonly n: number;
  readonly frame: Uint8Array;
  /** What its producer's counter says is missing just before it, or null. */
  readonly missed: MissedUpdates | null;
}

/**
 * How a read went: `ok`, entries follow without a hole; `trimmed`, some after the position are gone; `epoch_changed`,
 * the log was lost since; `ahead`, the position lies beyond the newest update.
 */
export type ReadOutcome = "ok" | "trimmed" | "epoch_changed" | "ahead";

/** A part of a log. */
export interface LogPage {
  readonly outcome: ReadOutcome;
  /** The log's newest update. */
  readonly top: LogPosition;
  /** The number of the oldest update held; one more than the top where none is. */
  readonly first: number;
  /** The updates that follow the position, in order and without a hole; none unless the outcome is `ok`. */
  readonly entries: readonly LogEntry[];
}

/** How much a read may return: at least one update where there is one, else no more than either. */
export interface PageLimit {
  readonly updates: number;
  readonly bytes: number;
}

/** The right to append what plain `PUBLISH` brings, which one relay has at a time. */
export interface Lease {
  readonly isHeld: boolean;
  /** Where it is held: until when by the log's clock. To be handed to {@link UpdateLog.append}. */
  readonly deadline: number;
}

/** Thrown by {@link UpdateLog.append} when the lease it was given has run out: nothing was stored. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
  readonly code = "lease_lost";
}

/**
 * An append-only log of updates for each user, and one for broadcasts, bounded by count, bytes and age.
 *
 * An implementation
 * - MUST append all drafts of a call or none, in their order, and number each log's updates without a hole;
 * - MUST publish a notice (`log-notice.ts`) of each stored update on the channel {@link LOG_CHANNEL} in the same atomic
 *   step, in the order of the numbers; a draft with a known id is answered with its first position and not told again;
 * - MUST give a log a new epoch when any of its updates may have been lost other than by its bounds;
 * - MUST never return entries with a hole before, between or after them and the outcome `ok`;
 * - MUST keep a log for at least its time to live after the latest append or {@link positions}.
 *
 * Every method rejects with `BrokerUnavailable` when the log did not answer in time.
 */
export interface UpdateLog {
  /**
   * Appends all drafts or none, and returns each one's position.
   * @throws {LeaseLost} where `lease` was given and has run out.
   */
  append(drafts: readonly LogDraft[], lease?: Lease): Promise<readonly LogPosition[]>;
  /** Where logs stand. A log that does not exist begins with this, so that one can resume from where it stood. */
  positions(targets: readonly string[]): Promise<readonly LogPosition[]>;
  /** Reads what follows a position; from the oldest update held where `after` is `earliest`. */
  read(target: string, after: LogPosition | "earliest", limit: PageLimit): Promise<LogPage>;
  /** Takes or renews the lease for `ttlMs` milliseconds where it is free or `holder` has it. */
  lease(holder: string, ttlMs: number): Promise<Lease>;
  /** Gives the lease back where `holder` has it. */
  release(holder: string): Promise<void>;
  /**
   * Says that updates of a log were seen in `epoch` which it does not hold: where that still is its epoch it begins a new
   * one, and so does every other log that was not written since the store last started.
   */
  distrust(target: string, epoch: string): Promise<void>;
}

/** The channel on which every stored update is told to all relays. */
export const LOG_CHANNEL = "tidings:log";

/** Bounds of each log. */
export interface LogBounds {
  /** Most updates held. */
  readonly updates: number;
  /** Most bytes of frames held, roughly: storage may exceed it by a quarter. */
  readonly bytes: number;
  /** How long an update is held, in milliseconds. */
  readonly ttlMs: number;
  /** Largest update taken, in bytes. */
  readonly maxUpdateBytes: number;
}

/** How long an update's id is remembered, in milliseconds. */
export const IDEMPOTENCY_MS = 600_000;
