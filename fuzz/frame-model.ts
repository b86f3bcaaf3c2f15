import { opcodes } from "../tests/wire/support/frames.ts";

/** What RFC 6455 says of the bytes that a client sent. */
export interface Judgement {
  /** Codes with which the connection may end by them; null for staying open. One where the RFC leaves no choice. */
  readonly codes: readonly (number | null)[];
  /** Messages that were whole before that. */
  readonly messages: number;
  /** Whether the bytes end where a frame ends. */
  readonly isWhole: boolean;
}

interface Head {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly short: number;
  readonly length: bigint;
  /** Where the payload begins. */
  readonly start: number;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Whether a Close frame may carry a code: those of RFC 6455, 7.4.1, what IANA added, and the ranges for others. */
function isCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

function headOf(bytes: Buffer): Head | null {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return null;
  const short = second & 0x7f;
  const isMasked = second >= 0x80;
  const start = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (isMasked ? 4 : 0);
  if (bytes.length < start) return null;
  const length =
    short === 126 ? BigInt(bytes.readUInt16BE(2)) : short === 127 ? bytes.readBigUInt64BE(2) : BigInt(short);
  return { fin: first >= 0x80, rsv: (first >> 4) & 7, opcode: first & 15, isMasked, short, length, start };
}

/**
 * A second reading of RFC 6455, to compare the relay's with: an endpoint that takes messages of up to `limit` bytes. Where
 * the bytes end within a head, or a frame breaks two rules, more than one answer is right.
 */
export function judge(input: Uint8Array, limit: number): Judgement {
  let bytes = Buffer.from(input);
  let message: { readonly opcode: number; parts: Uint8Array[]; size: bigint } | null = null;
  let messages = 0;
  const over = (...codes: readonly (number | null)[]): Judgement => ({ codes, messages, isWhole: false });
  for (;;) {
    if (bytes.length === 0) return { codes: [null], messages, isWhole: true };
    const head = headOf(bytes);
    if (head === null) return over(null, 1002, 1009);
    const { fin, rsv, opcode, isMasked, short, length, start } = head;
    const isControl = opcode >= 8;
    const isKnown = opcode <= 2 || (opcode >= 8 && opcode <= 10);
    const isInOrder = opcode === opcodes.continuation ? message !== null : isControl || message === null;
    const isTooLong = length + (isControl ? 0n : (message?.size ?? 0n)) > BigInt(limit);
    if (rsv !== 0 || !isKnown || !isMasked || !isInOrder || (isControl && (!fin || short > 125))) {
      return isTooLong ? over(1002, 1009) : over(1002);
    }
    if (isTooLong) return length > BigInt(limit) ? over(1009) : over(1009, null);
    const end = start + Number(length);
    if (bytes.length < end) return over(null, 1007);
    const mask = bytes.subarray(start - 4, start);
    const payload = bytes.subarray(start, end).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    bytes = bytes.subarray(end);
    if (opcode === opcodes.close) return over(closeAnswer(Buffer.from(payload)));
    if (isControl) continue;
    message ??= { opcode, parts: [], size: 0n };
    message.parts.push(payload);
    message.size += length;
    if (!fin) continue;
    const isText = message.opcode === opcodes.text;
    if (isText && !isUtf8(Buffer.concat(message.parts))) return over(1007);
    message = null;
    messages += 1;
  }
}

function closeAnswer(payload: Buffer): number {
  if (payload.length === 0) return 1005;
  if (payload.length === 1 || !isCloseCode(payload.readUInt16BE(0))) return 1002;
  return isUtf8(payload.subarray(2)) ? payload.readUInt16BE(0) : 1007;
}
