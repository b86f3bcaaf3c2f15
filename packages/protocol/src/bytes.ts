/** Decodes the bytes from `start` up to `end`, which are well-formed UTF-8. */
export type DecodeText = (bytes: Uint8Array, start: number, end: number) => string;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Decodes with the platform's own decoder; a runtime with a faster one hands in its own. */
export const decodeText: DecodeText = (bytes, start, end) => decoder.decode(bytes.subarray(start, end));

const encoder = new TextEncoder();

/** The bytes of a word of plain ASCII, to compare keys with. */
export function asciiBytes(word: string): Uint8Array {
  return encoder.encode(word);
}

/** How many bytes of UTF-8 a text takes. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}

const BACKSLASH = 0x5c;

/** The text of the JSON string between two offsets, quotes included, which is known to be valid JSON. */
export function decodeJsonString(
  bytes: Uint8Array,
  start: number,
  end: number,
  decode: DecodeText = decodeText,
): string {
  if (isEscaped(bytes, start, end)) return JSON.parse(decode(bytes, start, end)) as string;
  return decode(bytes, start + 1, end - 1);
}

/** Whether `word` stands at an offset. */
export function startsWith(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  const { length } = word;
  for (let index = 0; index < length; index += 1) {
    if (bytes[at + index] !== word[index]) return false;
  }
  return true;
}

/** Whether a backslash stands between two offsets. */
export function isEscaped(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    if (bytes[at] === BACKSLASH) return true;
  }
  return false;
}

/** Whether the JSON string between two offsets, quotes included, says `word`, which is plain ASCII. */
export function jsonStringIs(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  const length = end - start - 2;
  if (length === word.length && startsWith(bytes, start + 1, word)) return true;
  if (length <= word.length || !isEscaped(bytes, start, end)) return false;
  return decodeJsonString(bytes, start, end) === decodeText(word, 0, word.length);
}
