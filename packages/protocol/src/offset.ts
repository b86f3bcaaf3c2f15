import { BROADCAST_TARGET } from "./limits.ts";

/** A place in a log, as the `offset` of an update says it. */
export interface Offset {
  /** Which life of the log: offsets of different epochs do not compare. */
  readonly epoch: string;
  /** The number of an update, contiguous from 1 within a log; 0 stands before the first. */
  readonly n: number;
}

/** From where a client wants to resume; a log it does not name starts live. */
export interface Since {
  readonly user: Offset | "earliest" | null;
  readonly broadcast: Offset | "earliest" | null;
}

/** Marks the offsets of broadcasts. */
const BROADCAST_MARK = "*";

const FORM = /^(\*?)([A-Za-z0-9_-]{1,32})\.(0|[1-9]\d{0,15})$/;

/** Longest `since` that is read: two offsets have room in it. */
const MAX_SINCE_LENGTH = 128;

/** An offset of the log of `target`, as text: `<epoch>.<n>`, with `*` before it for broadcasts. */
export function formatOffset(target: string, epoch: string, n: number): string {
  return `${target === BROADCAST_TARGET ? BROADCAST_MARK : ""}${epoch}.${n}`;
}

/**
 * Reads what a client resumes from: `earliest`, one offset, or the offset of a user and one of broadcasts, in any order,
 * with a comma between them. Null where it is none of these.
 */
export function parseSince(text: string): Since | null {
  if (text === "earliest") return { user: "earliest", broadcast: "earliest" };
  if (text.length > MAX_SINCE_LENGTH) return null;
  let user: Offset | null = null;
  let broadcast: Offset | null = null;
  for (const part of text.split(",")) {
    const [, mark, epoch, digits] = FORM.exec(part) ?? [];
    const n = Number(digits);
    if (epoch === undefined || !Number.isSafeInteger(n)) return null;
    if (mark === BROADCAST_MARK) {
      if (broadcast !== null) return null;
      broadcast = { epoch, n };
    } else {
      if (user !== null) return null;
      user = { epoch, n };
    }
  }
  return { user, broadcast };
}
