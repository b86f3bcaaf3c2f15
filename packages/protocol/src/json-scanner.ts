const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;

/** 1 for each byte that may stand in a string as it is: printable ASCII but for the quote and the backslash. */
const plain: Uint8Array = new Uint8Array(256).fill(1, 0x20, 0x80);
plain[QUOTE] = 0;
plain[BACKSLASH] = 0;

/** 1 for each byte that may follow a backslash, `u` excepted. */
const escapable: Uint8Array = new Uint8Array(256);
for (const letter of '"\\/bfnrt') escapable[letter.charCodeAt(0)] = 1;

const literals: ReadonlyMap<number, readonly number[]> = new Map(
  ["true", "false", "null"].map((word) => [
    word.charCodeAt(0),
    Array.from(word, (letter) => letter.charCodeAt(0)),
  ]),
);

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

const isHex = (byte: number | undefined): boolean =>
  byte !== undefined && (isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66));

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** Offsets that a scanner keeps room for between two scans; a text with more members costs its room anew. */
const KEPT_SPANS = 4_096;

/** What the outermost value of a scanned text is. */
export type JsonKind = "object" | "array" | "scalar";

/**
 * Checks that bytes are one JSON text (RFC 8259) in well-formed UTF-8 (RFC 3629), and notes where the members or
 * elements of the outermost value stand, without building any of it. It accepts exactly what `JSON.parse` accepts of
 * the decoded text, at any depth. A scanner is reused: its findings hold until the next scan.
 */
export class JsonScanner {
  /** What the outermost value is; meaningful after a scan that succeeded. */
  kind: JsonKind = "scalar";
  /** How many members or elements the outermost value has. */
  count = 0;
  readonly #mostNoted: number;
  /** Four offsets a member (key's opening quote, end of key, value, end of value); elements repeat the value's start. */
  readonly #spans: number[] = [];
  #bytes: Uint8Array = new Uint8Array();
  /** 1 for an object, 0 for an array, by depth. */
  #containers: Uint8Array = new Uint8Array(64);

  /** Members and elements beyond `mostNoted` are checked and counted, and where they stand is not noted. */
  constructor(mostNoted: number = Number.POSITIVE_INFINITY) {
    this.#mostNoted = mostNoted;
  }

  /** Scans a whole text. True where it is valid JSON; the findings are then set. */
  scan(bytes: Uint8Array): boolean {
    this.#bytes = bytes;
    this.count = 0;
    if (this.#spans.length > KEPT_SPANS) this.#spans.length = 0;
    const start = this.#skipSpace(0);
    const first = bytes[start];
    let end: number;
    if (first === OPEN_BRACE) {
      this.kind = "object";
      end = this.#scanMembers(start + 1);
    } else if (first === OPEN_BRACKET) {
      this.kind = "array";
      end = this.#scanElements(start + 1);
    } else {
      this.kind = "scalar";
      end = this.#skipValue(start);
    }
    return end !== -1 && this.#skipSpace(end) === bytes.length;
  }

  /** Where a member's key begins: the offset of its opening quote. */
  keyStart(index: number): number {
    return this.#spans[index * 4] ?? 0;
  }

  /** Where a member's key ends: one past its closing quote. */
  keyEnd(index: number): number {
    return this.#spans[index * 4 + 1] ?? 0;
  }

  /** Where a member's or element's value begins. */
  valueStart(index: number): number {
    return this.#spans[index * 4 + 2] ?? 0;
  }

  /** Where a member's or element's value ends: one past its last byte. */
  valueEnd(index: number): number {
    return this.#spans[index * 4 + 3] ?? 0;
  }

  #note(keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const at = this.count * 4;
    this.count += 1;
    if (this.count > this.#mostNoted) return;
    this.#spans[at] = keyStart;
    this.#spans[at + 1] = keyEnd;
    this.#spans[at + 2] = valueStart;
    this.#spans[at + 3] = valueEnd;
  }

  #scanMembers(from: number): number {
    const bytes = this.#bytes;
    let at = this.#skipSpace(from);
    if (bytes[at] === CLOSE_BRACE) return at + 1;
    for (;;) {
      if (bytes[at] !== QUOTE) return -1;
      const keyStart = at;
      const keyEnd = this.#skipString(at + 1);
      if (keyEnd === -1) return -1;
      at = this.#skipSpace(keyEnd);
      if (bytes[at] !== COLON) return -1;
      const valueStart = this.#skipSpace(at + 1);
      const valueEnd = this.#skipValue(valueStart);
      if (valueEnd === -1) return -1;
      this.#note(keyStart, keyEnd, valueStart, valueEnd);
      at = this.#skipSpace(valueEnd);
      if (bytes[at] === CLOSE_BRACE) return at + 1;
      if (bytes[at] !== COMMA) return -1;
      at = this.#skipSpace(at + 1);
    }
  }

  #scanElements(from: number): number {
    const bytes = this.#bytes;
    let at = this.#skipSpace(from);
    if (bytes[at] === CLOSE_BRACKET) return at + 1;
    for (;;) {
      const valueStart = at;
      const valueEnd = this.#skipValue(valueStart);
      if (valueEnd === -1) return -1;
      this.#note(valueStart, valueStart, valueStart, valueEnd);
      at = this.#skipSpace(valueEnd);
      if (bytes[at] === CLOSE_BRACKET) return at + 1;
      if (bytes[at] !== COMMA) return -1;
      at = this.#skipSpace(at + 1);
    }
  }

  #skipSpace(from: number): number {
    const bytes = this.#bytes;
    let at = from;
    while (at < bytes.length) {
      const byte = bytes[at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
      at += 1;
    }
    return at;
  }

  /** Skips one value of any depth without recursion, so that no input can exhaust the stack. */
  #skipValue(from: number): number {
    const bytes = this.#bytes;
    let at = from;
    let depth = 0;
    for (;;) {
      const byte = bytes[at];
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        const isObject = byte === OPEN_BRACE;
        at = this.#skipSpace(at + 1);
        if (bytes[at] === (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) {
          at += 1;
        } else {
          this.#enter(depth, isObject);
          depth += 1;
          if (isObject) {
            at = this.#skipKey(at);
            if (at === -1) return -1;
          }
          continue;
        }
      } else {
        at = this.#skipScalar(at);
        if (at === -1) return -1;
      }
      for (;;) {
        if (depth === 0) return at;
        const isObject = this.#containers[depth - 1] === 1;
        at = this.#skipSpace(at);
        if (bytes[at] === COMMA) {
          at = this.#skipSpace(at + 1);
          if (isObject) {
            at = this.#skipKey(at);
            if (at === -1) return -1;
          }
          break;
        }
        if (bytes[at] !== (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return -1;
        at += 1;
        depth -= 1;
      }
    }
  }

  #enter(depth: number, isObject: boolean): void {
    if (depth === this.#containers.length) {
      const larger = new Uint8Array(depth * 2);
      larger.set(this.#containers);
      this.#containers = larger;
    }
    this.#containers[depth] = isObject ? 1 : 0;
  }

  /** Skips `"key" :` and the space after it. */
  #skipKey(from: number): number {
    if (this.#bytes[from] !== QUOTE) return -1;
    const end = this.#skipString(from + 1);
    if (end === -1) return -1;
    const colon = this.#skipSpace(end);
    return this.#bytes[colon] === COLON ? this.#skipSpace(colon + 1) : -1;
  }

  #skipScalar(from: number): number {
    const byte = this.#bytes[from];
    if (byte === QUOTE) return this.#skipString(from + 1);
    if (byte === MINUS || isDigit(byte)) return this.#skipNumber(from);
    const literal = byte === undefined ? undefined : literals.get(byte);
    if (literal === undefined) return -1;
    for (let index = 1; index < literal.length; index += 1) {
      if (this.#bytes[from + index] !== literal[index]) return -1;
    }
    return from + literal.length;
  }

  #skipNumber(from: number): number {
    const bytes = this.#bytes;
    let at = bytes[from] === MINUS ? from + 1 : from;
    if (!isDigit(bytes[at])) return -1;
    at = bytes[at] === ZERO ? at + 1 : this.#skipDigits(at);
    if (bytes[at] === POINT) {
      if (!isDigit(bytes[at + 1])) return -1;
      at = this.#skipDigits(at + 1);
    }
    if (bytes[at] === 0x65 || bytes[at] === 0x45) {
      at += bytes[at + 1] === PLUS || bytes[at + 1] === MINUS ? 2 : 1;
      if (!isDigit(bytes[at])) return -1;
      at = this.#skipDigits(at);
    }
    return at;
  }

  #skipDigits(from: number): number {
    let at = from;
    while (isDigit(this.#bytes[at])) at += 1;
    return at;
  }

  /** Skips the rest of a string whose opening quote stands before `from`. */
  #skipString(from: number): number {
    const bytes = this.#bytes;
    const length = bytes.length;
    let at = from;
    for (;;) {
      while (at < length && plain[bytes[at] as number] === 1) at += 1;
      if (at >= length) return -1;
      const byte = bytes[at] as number;
      if (byte === QUOTE) return at + 1;
      if (byte === BACKSLASH) at = this.#skipEscape(at + 1);
      else if (byte >= 0x80) at = this.#skipSequence(at, byte);
      else return -1;
      if (at === -1) return -1;
    }
  }

  #skipEscape(from: number): number {
    const bytes = this.#bytes;
    const byte = bytes[from];
    if (byte === undefined) return -1;
    if (escapable[byte] === 1) return from + 1;
    if (byte !== 0x75) return -1;
    for (let index = 1; index <= 4; index += 1) {
      if (!isHex(bytes[from + index])) return -1;
    }
    return from + 5;
  }

  /** Skips one UTF-8 sequence of two to four bytes by the table of RFC 3629, 4. */
  #skipSequence(from: number, lead: number): number {
    const bytes = this.#bytes;
    const second = bytes[from + 1];
    if (!isContinuation(second) || second === undefined) return -1;
    if (lead >= 0xc2 && lead <= 0xdf) return from + 2;
    if (!isContinuation(bytes[from + 2])) return -1;
    if (lead >= 0xe0 && lead <= 0xef) {
      const overlong = lead === 0xe0 && second < 0xa0;
      const surrogate = lead === 0xed && second > 0x9f;
      return overlong || surrogate ? -1 : from + 3;
    }
    if (lead < 0xf0 || lead > 0xf4 || !isContinuation(bytes[from + 3])) return -1;
    const overlong = lead === 0xf0 && second < 0x90;
    const tooHigh = lead === 0xf4 && second > 0x8f;
    return overlong || tooHigh ? -1 : from + 4;
  }
}
