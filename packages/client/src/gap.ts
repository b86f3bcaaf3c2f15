import { between } from "./position.ts";

/** Updates that were missed and will not come, with what is known about them. */
export interface Gap {
  /**
   * - `trimmed`: they are older than what the relay keeps;
   * - `epoch_changed`: the log was lost, for example with a Redis that was not saved to disk;
   * - `ahead`: the position is not one of this log's;
   * - `too_many`: more than the relay replays at once;
   * - `malformed`: an update could not be read, or the position could not;
   * - `history_off`: the relay keeps no updates, so nobody knows whether some were missed while the client was away;
   * - `seq`: the worker's own counter says that they never reached Redis' log.
   */
  readonly reason:
    | "trimmed"
    | "epoch_changed"
    | "ahead"
    | "too_many"
    | "malformed"
    | "history_off"
    | "seq"
    | (string & {});
  /** For the developer. */
  readonly message: string;
  /** Which log has the gap, or null where it may be both. */
  readonly log: "user" | "broadcast" | null;
  /** The offset of the last update before the gap, where known. */
  readonly after: string | null;
  /** The offset of the first update after it, where known. */
  readonly next: string | null;
  /** How many are missing, where known. */
  readonly missed: number | null;
  /** With `seq`: the producer, where it has a name, and the numbers of its counter that are missing. */
  readonly producer?: string | null;
  readonly from?: number;
  readonly to?: number;
}

/** What the relay says about a gap, in `tidings.gap`, `tidings.welcome` or `tidings.resumed`. */
export interface GapPayload {
  readonly reason?: Gap["reason"];
  readonly message?: string;
  readonly broadcast?: boolean;
  readonly after?: string | null;
  readonly next?: string | null;
  readonly producer?: string | null;
  readonly from?: number;
  readonly to?: number;
}

/** Makes a gap of what the relay said. */
export function gapOf(payload: GapPayload): Gap {
  const {
    reason = "history_off",
    message = "",
    broadcast,
    after = null,
    next = null,
    producer = null,
    from,
    to,
  } = payload;
  const isCounted = from && to;
  return {
    reason,
    message,
    log: broadcast === undefined ? null : broadcast ? "broadcast" : "user",
    after,
    next,
    missed: isCounted ? to - from + 1 : between(after, next),
    ...(isCounted && { producer, from, to }),
  };
}
