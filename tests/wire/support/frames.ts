/** The opcodes of RFC 6455, 5.2. */
export const opcodes = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** How a frame may differ from a whole, masked one with the shortest length that holds its payload. */
export interface FrameOptions {
  /** Whether it is the last fragment; true unless given. */
  readonly fin?: boolean;
  /** The reserved bits as a number from 0 to 7; RSV1 is 4. */
  readonly rsv?: number;
  /** The masking key; null sends the payload unmasked, which a client must not. */
  readonly mask?: readonly [number, number, number, number] | null;
  /** The bytes of the length: 7 bits, 16 or 64. The shortest unless given. */
  readonly lengthBits?: 7 | 16 | 64;
  /** The length that the frame says it has, where it lies. */
  readonly says?: bigint;
}

const utf8 = new TextEncoder();

/** One frame as a client sends it. */
export function frame(
  opcode: number,
  payload: string | Uint8Array = "",
  options: FrameOptions = {},
): Uint8Array {
  const { fin = true, rsv = 0, mask = [0x37, 0xfa, 0x21, 0x3d] } = options;
  const body = typeof payload === "string" ? utf8.encode(payload) : payload;
  const length = options.says ?? BigInt(body.length);
  const bits = options.lengthBits ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64);
  const head = Buffer.alloc(2 + (bits === 7 ? 0 : bits / 8));
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (mask === null ? 0 : 0x80) | (bits === 7 ? Number(length) : bits === 16 ? 126 : 127);
  if (bits === 16) head.writeUInt16BE(Number(length), 2);
  if (bits === 64) head.writeBigUInt64BE(length, 2);
  if (mask === null) return Buffer.concat([head, body]);
  return Buffer.concat([head, Uint8Array.from(mask), body.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

/** The body of a Close frame. */
export function closeBody(code: number, reason: string | Uint8Array = ""): Uint8Array {
  const text = typeof reason === "string" ? utf8.encode(reason) : reason;
  return Uint8Array.from([code >> 8, code & 0xff, ...text]);
}

/** A Close frame with a code. */
export function closeFrame(code: number, reason: string | Uint8Array = ""): Uint8Array {
  return frame(opcodes.close, closeBody(code, reason));
}

/** One frame as it came. */
export interface ReceivedFrame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly payload: Buffer;
}

/** Takes the first whole frame off the bytes; null where there is none yet. */
export function takeFrame(bytes: Buffer): { readonly frame: ReceivedFrame; readonly rest: Buffer } | null {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return null;
  const short = second & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return null;
  const length =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + length) return null;
  return {
    frame: {
      fin: first >= 0x80,
      rsv: (first >> 4) & 7,
      opcode: first & 0xf,
      isMasked: second >= 0x80,
      payload: bytes.subarray(start, start + length),
    },
    rest: bytes.subarray(start + length),
  };
}
