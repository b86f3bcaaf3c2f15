/** The user index of updates for everyone. */
export const EVERYONE = 0;

const USER_BASE = 1_000_000;
const COUNTER_BASE = 1_000_000_000;
const STAMP_BASE = 1_000_000_000_000;

// Numbers have a fixed width, so that the receiving side finds each at an offset it knows.
const BEFORE_USER = '{"type":"bench","payload":{"user":';
const BEFORE_COUNTER = ',"n":';
const BEFORE_STAMP = ',"at":';
const USER_AT = BEFORE_USER.length;
const COUNTER_AT = USER_AT + 7 + BEFORE_COUNTER.length;
const STAMP_AT = COUNTER_AT + 10 + BEFORE_STAMP.length;
const SHORTEST_FRAME = STAMP_AT + 13;

/** The id of a user by index, from 1 to 999,999. */
export function userId(index: number): string {
  return `user-${USER_BASE + index}`;
}

/** Microseconds on a clock that all processes of the machine share, modulo twelve digits. */
export function stamp(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1_000) % STAMP_BASE;
}

/** An update for one user (or {@link EVERYONE}), the `n`-th for that target, published at `at`. */
export function updateText(user: number, n: number, at: number, text: string): string {
  const target = user === EVERYONE ? "*" : userId(user);
  return (
    `{"target_user_id":"${target}","type":"bench","payload":{"user":${USER_BASE + user}` +
    `${BEFORE_COUNTER}${COUNTER_BASE + n}${BEFORE_STAMP}${STAMP_BASE + at},"text":"${text}"}}`
  );
}

/** The frame of an {@link updateText} for one user, which is what a log holds of it. */
export function frameText(user: number, n: number, at: number, text: string): string {
  const update = updateText(user, n, at, text);
  return `{${update.slice(update.indexOf(",") + 1)}`;
}

function digits(bytes: Uint8Array, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at += 1) value = value * 10 + (bytes[at] ?? 0) - 0x30;
  return value;
}

/** What a received frame says of itself. Reused, so that reading allocates nothing. */
export interface SeenUpdate {
  user: number;
  n: number;
  at: number;
  /** Whether the frame ends in the offset that a log gave it. */
  hasOffset: boolean;
}

/** Reads the frame of an {@link updateText} from its bytes; false where it is not one. */
export function readFrame(bytes: Uint8Array, start: number, end: number, into: SeenUpdate): boolean {
  // The first byte of the type ("b") tells an update from the relay's own frames ("tidings.…").
  if (end - start < SHORTEST_FRAME || bytes[start + 9] !== 0x62) return false;
  into.user = digits(bytes, start + USER_AT, 7) - USER_BASE;
  into.n = digits(bytes, start + COUNTER_AT, 10) - COUNTER_BASE;
  into.at = digits(bytes, start + STAMP_AT, 13) - STAMP_BASE;
  // The payload ends in a brace, and an offset in a quote.
  into.hasOffset = bytes[end - 2] === 0x22;
  return true;
}
