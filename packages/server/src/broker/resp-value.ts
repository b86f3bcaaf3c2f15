import { ErrorReply } from "@redis/client";

/** Thrown where bytes are not the protocol of Redis, or more of it than anything that was asked for can need. */
export class RespFault extends Error {
  override readonly name = "RespFault";
}

/** A push (RESP3): something that Redis says without having been asked. */
export class RespPush {
  readonly items: readonly RespValue[];

  constructor(items: readonly RespValue[]) {
    this.items = items;
  }
}

/** What one reply says. Numbers, booleans and doubles stay the text that they were sent as; a map is keys and values in turn. */
export type RespValue = string | null | ErrorReply | RespPush | readonly RespValue[];

/** A value and the offset of the first byte after it. */
export interface ReadValue {
  readonly value: RespValue;
  readonly end: number;
}

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const DEEPEST = 8;

const decoder = new TextDecoder();

/**
 * Reads the value of RESP2 or RESP3 that begins at `from` (https://redis.io/docs/latest/develop/reference/protocol-spec).
 * Null where its end has not come yet. It is for short replies: what it has read of an unfinished value is read again.
 * @throws {RespFault} where the bytes cannot become a value.
 */
export function readRespValue(bytes: Uint8Array, from: number, depth: number = 0): ReadValue | null {
  if (from >= bytes.length) return null;
  if (depth > DEEPEST) throw new RespFault("a reply is nested too deeply");
  const kind = String.fromCharCode(bytes[from] ?? 0);
  if (!"+-:_#,($=!*~>%|".includes(kind)) throw new RespFault("bytes begin no reply");
  const lineEnd = bytes.indexOf(CARRIAGE_RETURN, from);
  if (lineEnd === -1 || lineEnd + 1 === bytes.length) return null;
  if (bytes[lineEnd + 1] !== LINE_FEED) throw new RespFault("a line does not end in CR LF");
  const line = decoder.decode(bytes.subarray(from + 1, lineEnd));
  const next = lineEnd + 2;
  if ("+:#,(".includes(kind)) return { value: line, end: next };
  if (kind === "-") return { value: new ErrorReply(line), end: next };
  if (kind === "_") return { value: null, end: next };
  const length = lengthOf(line);
  if (length === -1) return { value: null, end: next };
  if ("$=!".includes(kind)) return readBlob(bytes, next, length, kind === "!");
  return readItems(bytes, next, kind, length, depth);
}

function readBlob(bytes: Uint8Array, from: number, length: number, isError: boolean): ReadValue | null {
  const end = from + length;
  if (end + 2 > bytes.length) return null;
  if (!endsLine(bytes, end)) throw new RespFault("a string is not as long as it says");
  const text = decoder.decode(bytes.subarray(from, end));
  return { value: isError ? new ErrorReply(text) : text, end: end + 2 };
}

function readItems(
  bytes: Uint8Array,
  from: number,
  kind: string,
  length: number,
  depth: number,
): ReadValue | null {
  const count = kind === "%" || kind === "|" ? length * 2 : length;
  const items: RespValue[] = [];
  let at = from;
  while (items.length < count) {
    const item = readRespValue(bytes, at, depth + 1);
    if (item === null) return null;
    items.push(item.value);
    at = item.end;
  }
  return { value: kind === ">" ? new RespPush(items) : items, end: at };
}

/** Whether CR LF stands at an offset. */
export function endsLine(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === CARRIAGE_RETURN && bytes[at + 1] === LINE_FEED;
}

/** A length as Redis writes it; -1 is what RESP2 says for null. */
function lengthOf(line: string): number {
  if (line === "-1") return -1;
  if (!/^\d{1,9}$/.test(line)) throw new RespFault("a length is not a number");
  return Number(line);
}
