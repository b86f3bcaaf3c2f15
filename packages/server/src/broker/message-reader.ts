import { startsWith } from "@tidings/protocol";
import type { MessageHandler, Subscriptions } from "./broker.ts";
import { endsLine, readRespValue, RespFault, type RespValue } from "./resp-value.ts";

/** The longest message that Redis itself can hold unless it is told otherwise (`proto-max-bulk-len`), in bytes. */
const MAX_MESSAGE_BYTES = 512 * 1_048_576;

/** No reply to what a subscriber asks is longer, in bytes. */
const MAX_REPLY_BYTES = 16_384;

/** More chunks than this that wait for their message are joined, so that small ones do not cost more than they hold. */
const MOST_CHUNKS = 1_024;

const CARRIAGE_RETURN = 0x0d;
const ZERO = 0x30;

/** The bytes before the length of every message of one channel. */
interface Route {
  readonly prefix: Uint8Array;
  readonly handler: MessageHandler;
}

/**
 * Turns what Redis sends to a subscriber that speaks RESP3, cut anywhere, into calls of the channels' handlers. A message
 * is handed over as a view of the chunk it came in; only one that was cut is copied. What waits is one message at most,
 * and no memory is set aside for bytes that have not come.
 */
export class MessageReader {
  readonly #routes: readonly Route[];
  readonly #onValue: (value: RespValue) => void;
  /** The channel of the latest message, which is most often that of the next. */
  #latest: Route | undefined;
  #chunks: Uint8Array[] = [];
  /** How many bytes are known to be missing from what waits; at least 1 where something does. */
  #missing = 0;

  /** `onValue` gets everything that is no message. Neither it nor a handler may throw. */
  constructor(subscriptions: Subscriptions, onValue: (value: RespValue) => void) {
    this.#routes = [...subscriptions].map(([channel, handler]) => ({ prefix: prefixOf(channel), handler }));
    this.#latest = this.#routes[0];
    this.#onValue = onValue;
  }

  /**
   * Reads the next bytes, which must not change afterwards.
   * @throws {RespFault} where they are not the protocol; the reader is then of no more use.
   */
  feed(chunk: Uint8Array): void {
    if (this.#missing > chunk.length) {
      this.#hold(chunk);
      this.#missing -= chunk.length;
      return;
    }
    const bytes = this.#withHeld(chunk);
    this.#missing = 0;
    let at = 0;
    while (at < bytes.length) {
      const next = this.#step(bytes, at);
      if (next === -1) break;
      at = next;
    }
    if (at < bytes.length) this.#hold(at === 0 ? bytes : bytes.subarray(at));
  }

  /** Reads one message or value, and returns the offset after it; -1 where its end has not come, with what is missing. */
  #step(bytes: Uint8Array, at: number): number {
    const route = this.#routeOf(bytes, at);
    return route === null ? this.#readValue(bytes, at) : this.#readMessage(bytes, at, route);
  }

  #readMessage(bytes: Uint8Array, from: number, { prefix, handler }: Route): number {
    const digits = from + prefix.length;
    let at = digits;
    let length = 0;
    while (at < bytes.length && bytes[at] !== CARRIAGE_RETURN) {
      const digit = (bytes[at] as number) - ZERO;
      length = length * 10 + digit;
      if (digit < 0 || digit > 9 || length > MAX_MESSAGE_BYTES) {
        throw new RespFault("the length of a message cannot be right");
      }
      at += 1;
    }
    const start = at + 2;
    const end = start + length;
    if (start <= bytes.length && (at === digits || !endsLine(bytes, at))) {
      throw new RespFault("a message has no length");
    }
    if (start > bytes.length || end + 2 > bytes.length) {
      this.#missing = start > bytes.length ? 1 : end + 2 - bytes.length;
      return -1;
    }
    if (!endsLine(bytes, end)) throw new RespFault("a message is not as long as it says");
    handler(bytes.subarray(start, end));
    return end + 2;
  }

  #readValue(bytes: Uint8Array, at: number): number {
    const read = readRespValue(bytes, at);
    const length = (read?.end ?? bytes.length) - at;
    if (length > MAX_REPLY_BYTES) throw new RespFault("a reply is longer than any should be");
    if (read === null) {
      this.#missing = 1;
      return -1;
    }
    this.#onValue(read.value);
    return read.end;
  }

  #routeOf(bytes: Uint8Array, at: number): Route | null {
    const latest = this.#latest;
    if (latest !== undefined && isAt(bytes, at, latest.prefix)) return latest;
    for (const route of this.#routes) {
      if (isAt(bytes, at, route.prefix)) {
        this.#latest = route;
        return route;
      }
    }
    return null;
  }

  #hold(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    if (this.#chunks.length > MOST_CHUNKS) this.#chunks = [joined(this.#chunks)];
  }

  #withHeld(chunk: Uint8Array): Uint8Array {
    if (this.#chunks.length === 0) return chunk;
    const bytes = joined([...this.#chunks, chunk]);
    this.#chunks = [];
    return bytes;
  }
}

function prefixOf(channel: string): Uint8Array {
  return Buffer.from(`>3\r\n$7\r\nmessage\r\n$${Buffer.byteLength(channel)}\r\n${channel}\r\n$`);
}

function isAt(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  return at + prefix.length <= bytes.length && startsWith(bytes, at, prefix);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(chunks);
}
