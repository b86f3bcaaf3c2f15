const FIRST = 0x811c9dc5;
const FACTOR = 0x01000193;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const DELETE = 0x7f;

/**
 * Says of the bytes between two offsets what {@link idHash} says of their text, so that an id can be looked up before it
 * is made a string; -1 where that cannot be told without decoding: bytes other than printable ASCII, and escapes.
 */
export function idHashOfBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = FIRST;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte < SPACE || byte >= DELETE || byte === BACKSLASH) return -1;
    hash = Math.imul(hash ^ byte, FACTOR);
  }
  return mixed(hash);
}

/**
 * A hash of 32 bits (FNV-1a, mixed), or -1 where the text has other characters than printable ASCII, or a backslash. It is not
 * keyed: whoever can choose ids can make them meet, so it may only ever save work and never decide.
 */
export function idHash(text: string): number {
  let hash = FIRST;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < SPACE || code >= DELETE || code === BACKSLASH) return -1;
    hash = Math.imul(hash ^ code, FACTOR);
  }
  return mixed(hash);
}

/** Spreads what differs in the high bits alone to the low ones, by which a table is looked up (the end of MurmurHash3). */
function mixed(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (once ^ (once >>> 13)) >>> 0;
}
