import { isUtf8 } from "node:buffer";
import { sliceText } from "../bytes.ts";
import type { LogPosition, MissedUpdates } from "./update-log.ts";

const LF = 0x0a;
const SPACE = 0x20;
const DASH = 0x2d;
const DOT = 0x2e;
const DELETE = 0x7f;
const MAX_EPOCH_BYTES = 32;
const MAX_TARGET_BYTES = 256;
/** Room for a producer's name of a few hundred bytes, each of them escaped. */
const MAX_PRODUCER_BYTES = 4_096;

/**
 * The notice of one stored update: `<epoch>.<n>\n<target>\n<frame>`, and where numbers of a producer never arrived
 * `<epoch>.<n> <from>-<to> <producer as JSON>\n<target>\n<frame>`. The target must have no control characters.
 */
export function logNotice(
  target: string,
  position: LogPosition,
  missed: MissedUpdates | null,
  frame: string | Uint8Array,
): Uint8Array {
  const hole = missed === null ? "" : ` ${missed.from}-${missed.to} ${JSON.stringify(missed.producer)}`;
  const head = Buffer.from(`${position.epoch}.${position.n}${hole}\n${target}\n`);
  return Buffer.concat([head, typeof frame === "string" ? Buffer.from(frame) : frame]);
}

/**
 * Reads notices. One reader is reused for all of them: the fields speak of the latest bytes for which {@link read} said
 * true, as long as these do not change. A notice for a user who is elsewhere costs one short string.
 */
export class LogNoticeReader {
  /** The id of the user, or `"*"` for everyone. */
  target = "";
  /** The update's number. */
  n = 0;
  /** What is missing just before the update, or null. */
  missed: MissedUpdates | null = null;
  /** Where in the bytes the frame begins; it ends with them. */
  frameStart = 0;
  #bytes: Uint8Array = new Uint8Array();
  #epoch: string | null = null;
  #epochEnd = 0;
  /** Where the next part begins. */
  #at = 0;

  /** Whether the bytes are a notice. Never throws; the fields mean nothing after false. */
  read(bytes: Uint8Array): boolean {
    this.#bytes = bytes;
    this.#at = 0;
    this.#epoch = null;
    this.missed = null;
    if (!this.#readEpoch()) return false;
    this.n = this.#number();
    if (this.n < 1) return false;
    if (bytes[this.#at] === SPACE && !this.#readMissed()) return false;
    return bytes[this.#at] === LF && this.#readTarget();
  }

  /** Which life of the log the update belongs to. */
  get epoch(): string {
    this.#epoch ??= sliceText(this.#bytes, 0, this.#epochEnd);
    return this.#epoch;
  }

  /** Whether {@link epoch} is `text`, found without making a string. */
  epochIs(text: string): boolean {
    if (text.length !== this.#epochEnd) return false;
    for (let at = 0; at < text.length; at += 1) {
      if (this.#bytes[at] !== text.charCodeAt(at)) return false;
    }
    return true;
  }

  #readEpoch(): boolean {
    const bytes = this.#bytes;
    let at = 0;
    while (at <= MAX_EPOCH_BYTES && isEpochByte(bytes[at] ?? 0)) at += 1;
    if (at === 0 || at > MAX_EPOCH_BYTES || bytes[at] !== DOT) return false;
    this.#epochEnd = at;
    this.#at = at + 1;
    return true;
  }

  /** Reads a whole number without leading zeros that a double holds exactly; -1 where there is none. */
  #number(): number {
    const bytes = this.#bytes;
    const start = this.#at;
    let value = 0;
    for (let at = start; ; at += 1) {
      const digit = (bytes[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) {
        this.#at = at;
        return at === start || (at > start + 1 && bytes[start] === 0x30) ? -1 : value;
      }
      value = value * 10 + digit;
      if (value > Number.MAX_SAFE_INTEGER) return -1;
    }
  }

  #readMissed(): boolean {
    const bytes = this.#bytes;
    this.#at += 1;
    const from = this.#number();
    if (from < 0 || bytes[this.#at] !== DASH) return false;
    this.#at += 1;
    const to = this.#number();
    if (to < from || bytes[this.#at] !== SPACE) return false;
    const start = this.#at + 1;
    const end = bytes.subarray(0, start + MAX_PRODUCER_BYTES + 1).indexOf(LF, start);
    if (end === -1) return false;
    const producer = producerOf(bytes.subarray(start, end));
    if (producer === undefined) return false;
    this.missed = { producer, from, to };
    this.#at = end;
    return true;
  }

  #readTarget(): boolean {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    const limit = Math.min(bytes.length, start + MAX_TARGET_BYTES + 1);
    let at = start;
    let every = 0;
    for (; at < limit; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte === LF) break;
      if (byte < SPACE || byte === DELETE) return false;
      every |= byte;
    }
    if (at === start || at === limit) return false;
    if (every >= 0x80 && !isUtf8(bytes.subarray(start, at))) return false;
    this.target = sliceText(bytes, start, at);
    this.frameStart = at + 1;
    return true;
  }
}

function isEpochByte(byte: number): boolean {
  const letter = byte | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === DASH || byte === 0x5f
  );
}

/** A producer's name, null where it gave none, undefined where the text is neither. */
function producerOf(json: Uint8Array): string | null | undefined {
  if (!isUtf8(json)) return undefined;
  try {
    const value: unknown = JSON.parse(sliceText(json, 0, json.length));
    return value === null || typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
