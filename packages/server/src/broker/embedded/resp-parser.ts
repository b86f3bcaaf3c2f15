import { splitInline } from "./resp-inline.ts";
import { ARGUMENT_OVERHEAD_BYTES, RESP_LIMITS, type RespLimits } from "./resp-limits.ts";

/** One command as it came: its name and arguments, as bytes that nobody else holds. Never empty. */
export type CommandLine = readonly Uint8Array[];

/**
 * What the parser has: a command, the wish for more bytes, or a fault after which the connection must be
 * closed.
 */
export type Parsed =
  | { readonly type: "command"; readonly line: CommandLine; readonly bytes: number }
  | { readonly type: "incomplete" }
  | { readonly type: "fault"; readonly message: string };

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const ASTERISK = 0x2a;
const DOLLAR = 0x24;
const INCOMPLETE: Parsed = { type: "incomplete" };

/**
 * Turns bytes, cut anywhere, into commands of the Redis protocol, and of its inline form. Give it bytes by
 * `feed`, then call `next` until it answers `incomplete`. It never throws; after a fault it stays at that
 * fault. What it holds is bounded by its limits and one chunk.
 */
export class RespParser {
  readonly #limits: RespLimits;
  #buffer: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #scanned = 0;
  #arguments: Uint8Array[] = [];
  #missingArguments = 0;
  #commandBytes = 0;
  #bulkLength = -1;
  #fault: Parsed | null = null;

  constructor(limits: RespLimits = RESP_LIMITS) {
    this.#limits = limits;
  }

  /** Adds bytes. They are copied: the caller may reuse the chunk. After a fault it does nothing. */
  feed(chunk: Uint8Array): void {
    if (this.#fault !== null || chunk.length === 0) return;
    const held = this.#end - this.#start;
    if (this.#end + chunk.length > this.#buffer.length) this.#makeRoom(held, held + chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next thing that the bytes so far hold. Empty commands are passed over, as Redis does. */
  next(): Parsed {
    if (this.#fault !== null) return this.#fault;
    for (;;) {
      const parsed = this.#step();
      if (parsed === null) continue;
      if (parsed.type === "fault") this.#fail(parsed);
      else if (parsed.type === "incomplete" && this.#start === this.#end) this.#release();
      return parsed;
    }
  }

  /** Reads one line or one argument; null where that completed nothing to report. */
  #step(): Parsed | null {
    if (this.#bulkLength >= 0) return this.#readBulk();
    if (this.#missingArguments > 0) return this.#readBulkLength();
    if (this.#start === this.#end) return INCOMPLETE;
    return this.#buffer[this.#start] === ASTERISK ? this.#readArgumentCount() : this.#readInline();
  }

  #readInline(): Parsed | null {
    const end = this.#find(LINE_FEED);
    if (end < 0 || end - this.#start > this.#limits.maxLineBytes) {
      return this.#unfinishedLine(end, "too big inline request");
    }
    const text = this.#buffer.subarray(
      this.#start,
      this.#buffer[end - 1] === CARRIAGE_RETURN ? end - 1 : end,
    );
    const words = splitInline(text);
    this.#consume(end + 1 - this.#start);
    if (words === null) return fault("unbalanced quotes in request");
    if (words.length === 0) return null;
    return { type: "command", line: words, bytes: text.length + words.length * ARGUMENT_OVERHEAD_BYTES };
  }

  #readArgumentCount(): Parsed | null {
    const line = this.#readHeader("too big mbulk count string");
    if (typeof line !== "string") return line;
    const count = parseInteger(line);
    if (count === null || count > this.#limits.maxArguments) return fault("invalid multibulk length");
    this.#missingArguments = Math.max(0, count);
    this.#arguments = [];
    this.#commandBytes = 0;
    return null;
  }

  #readBulkLength(): Parsed | null {
    const first = this.#buffer[this.#start];
    if (this.#start < this.#end && first !== undefined && first !== DOLLAR) {
      return fault(`expected '$', got '${first >= 0x20 && first < 0x7f ? String.fromCharCode(first) : "?"}'`);
    }
    const line = this.#readHeader("too big bulk count string");
    if (typeof line !== "string") return line;
    const length = parseInteger(line);
    if (length === null || length < 0 || length > this.#limits.maxBulkBytes)
      return fault("invalid bulk length");
    this.#commandBytes += length + ARGUMENT_OVERHEAD_BYTES;
    if (this.#commandBytes > this.#limits.maxCommandBytes) return fault("too big command");
    this.#bulkLength = length;
    return null;
  }

  #readBulk(): Parsed | null {
    if (this.#end - this.#start < this.#bulkLength + 2) return INCOMPLETE;
    this.#arguments.push(this.#buffer.slice(this.#start, this.#start + this.#bulkLength));
    this.#consume(this.#bulkLength + 2);
    this.#bulkLength = -1;
    this.#missingArguments -= 1;
    if (this.#missingArguments > 0) return null;
    const line = this.#arguments;
    this.#arguments = [];
    return { type: "command", line, bytes: this.#commandBytes };
  }

  /** What follows the type byte of a `*` or `$` line. */
  #readHeader(tooLong: string): string | Parsed {
    const end = this.#find(CARRIAGE_RETURN);
    if (end < 0 || end - this.#start > this.#limits.maxLineBytes) return this.#unfinishedLine(end, tooLong);
    if (end + 1 >= this.#end) return INCOMPLETE;
    const text = String.fromCharCode(
      ...this.#buffer.subarray(this.#start + 1, Math.min(end, this.#start + 24)),
    );
    this.#consume(end + 2 - this.#start);
    return text;
  }

  #unfinishedLine(end: number, tooLong: string): Parsed {
    const length = (end < 0 ? this.#end : end) - this.#start;
    return length > this.#limits.maxLineBytes ? fault(tooLong) : INCOMPLETE;
  }

  /** Where the byte is next, or -1. What was searched in vain is not searched again when more bytes come. */
  #find(byte: number): number {
    const from = Math.max(this.#scanned, this.#start);
    const found = this.#buffer.subarray(from, this.#end).indexOf(byte);
    if (found >= 0) {
      this.#scanned = from + found;
      return from + found;
    }
    this.#scanned = this.#end;
    return -1;
  }

  #consume(length: number): void {
    this.#start += length;
    this.#scanned = this.#start;
  }

  #makeRoom(held: number, needed: number): void {
    const scanned = Math.max(0, this.#scanned - this.#start);
    const grown = needed > this.#buffer.length ? new Uint8Array(Math.max(needed, held * 2)) : this.#buffer;
    if (grown === this.#buffer) grown.copyWithin(0, this.#start, this.#end);
    else grown.set(this.#buffer.subarray(this.#start, this.#end));
    this.#buffer = grown;
    this.#start = 0;
    this.#end = held;
    this.#scanned = scanned;
  }

  #release(): void {
    this.#buffer = new Uint8Array(0);
    this.#start = 0;
    this.#end = 0;
    this.#scanned = 0;
  }

  #fail(parsed: Parsed): void {
    this.#fault = parsed;
    this.#arguments = [];
    this.#release();
  }
}

function fault(message: string): Parsed {
  return { type: "fault", message: `ERR Protocol error: ${message}` };
}

/**
 * A whole number as Redis writes it: no sign but minus, no leading zero, no space. Null for anything else.
 */
function parseInteger(text: string): number | null {
  return /^(?:0|-?[1-9][0-9]{0,15})$/.test(text) ? Number(text) : null;
}
