const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;

const ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ n: 10, r: 13, t: 9, b: 8, a: 7 }).map(([letter, byte]) => [letter.charCodeAt(0), byte]),
);

/**
 * Splits a line typed into telnet or nc into arguments, as Redis does: separated by white space; `"…"` takes
 * `\n`, `\r`, `\t`, `\b`, `\a`, `\xHH` and `\` before any other byte; `'…'` takes `\'` only. Null where a
 * quote is not closed, or is closed in the middle of a word.
 */
export function splitInline(line: Uint8Array): Uint8Array[] | null {
  const words: Uint8Array[] = [];
  let at = skipSpace(line, 0);
  while (at < line.length) {
    const word = readWord(line, at);
    if (word === null) return null;
    words.push(new Uint8Array(word.bytes));
    at = skipSpace(line, word.end);
  }
  return words;
}

interface Word {
  readonly bytes: readonly number[];
  readonly end: number;
}

function readWord(line: Uint8Array, start: number): Word | null {
  const bytes: number[] = [];
  let at = start;
  while (at < line.length && !isSpace(line[at])) {
    const byte = line[at] ?? 0;
    if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) {
      const end = readQuoted(line, at + 1, byte, bytes);
      if (end === null || (end < line.length && !isSpace(line[end]))) return null;
      return { bytes, end };
    }
    bytes.push(byte);
    at += 1;
  }
  return { bytes, end: at };
}

/** Appends what a quote holds, and gives the place after its end; null where it has none. */
function readQuoted(line: Uint8Array, start: number, quote: number, into: number[]): number | null {
  let at = start;
  while (at < line.length) {
    const byte = line[at] ?? 0;
    if (byte === quote) return at + 1;
    if (byte === BACKSLASH && at + 1 < line.length) {
      const taken = quote === DOUBLE_QUOTE ? readEscape(line, at) : readSingleQuoteEscape(line, at);
      into.push(taken.byte);
      at += taken.length;
    } else {
      into.push(byte);
      at += 1;
    }
  }
  return null;
}

interface Escape {
  readonly byte: number;
  readonly length: number;
}

function readEscape(line: Uint8Array, at: number): Escape {
  const letter = line[at + 1] ?? 0;
  if (letter === 0x78) {
    const digits = String.fromCharCode(line[at + 2] ?? 0, line[at + 3] ?? 0);
    if (/^[0-9a-f]{2}$/i.test(digits)) return { byte: Number.parseInt(digits, 16), length: 4 };
  }
  return { byte: ESCAPES.get(letter) ?? letter, length: 2 };
}

function readSingleQuoteEscape(line: Uint8Array, at: number): Escape {
  return line[at + 1] === SINGLE_QUOTE ? { byte: SINGLE_QUOTE, length: 2 } : { byte: BACKSLASH, length: 1 };
}

function skipSpace(line: Uint8Array, start: number): number {
  let at = start;
  while (at < line.length && isSpace(line[at])) at += 1;
  return at;
}

/** White space of C: space, and tab to carriage return. A zero byte ends a word too, as it does for Redis. */
function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === 0 || (byte !== undefined && byte >= 9 && byte <= 13);
}
