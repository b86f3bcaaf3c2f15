import type { Socket } from "bun";
import type { Tally } from "./tally.ts";
import { EVERYONE, readFrame, type SeenUpdate, stamp } from "./update-text.ts";

const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const NO_CLOSE_FRAME = 1_006;
const nothing = new Uint8Array();
const seen: SeenUpdate = { user: 0, n: 0, at: 0, hasOffset: false };

/** A frame of a client, masked with a key of zeros, which leaves a control frame's payload as it is. */
function masked(opcode: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(6 + payload.length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | payload.length;
  frame.set(payload, 6);
  return frame;
}

/** One connection of the load: finishes its handshake, checks and counts each update, answers pings. */
export class LoadConnection {
  readonly user: number;
  readonly #tally: Tally;
  readonly #onSettled: () => void;
  #isOpen = false;
  #isSettled = false;
  #rest: Uint8Array = nothing;
  #lastOwn = 0;
  #lastOfAll = 0;
  #closeCode = NO_CLOSE_FRAME;
  #closeReason = "";

  /** `onSettled` is called once, when the handshake ended one way or the other. */
  constructor(user: number, tally: Tally, onSettled: () => void) {
    this.user = user;
    this.#tally = tally;
    this.#onSettled = onSettled;
  }

  received(socket: Socket<LoadConnection>, chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#rest.length > 0) {
      bytes = Buffer.concat([this.#rest, chunk]);
      this.#rest = nothing;
    }
    let at = 0;
    if (!this.#isOpen) {
      at = this.#finishHandshake(socket, bytes);
      if (at === 0) return;
    }
    const now = stamp();
    for (;;) {
      const end = this.#readFrame(socket, bytes, at, now);
      if (end === 0) break;
      at = end;
    }
    if (at < bytes.length) this.#rest = bytes.slice(at);
  }

  closed(): void {
    if (this.#isOpen) {
      this.#tally.open -= 1;
      this.#tally.closes.push({ code: this.#closeCode, reason: this.#closeReason, at: stamp() / 1_000 });
    } else this.#tally.refused += 1;
    this.#isOpen = false;
    this.#settle();
  }

  /** Begins a closing handshake. */
  leave(socket: Socket<LoadConnection>): void {
    socket.write(masked(CLOSE, Uint8Array.of(0x03, 0xe8)));
  }

  #settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#onSettled();
  }

  #finishHandshake(socket: Socket<LoadConnection>, bytes: Uint8Array): number {
    const text = Buffer.from(bytes).toString("latin1");
    const end = text.indexOf("\r\n\r\n");
    if (end === -1) {
      this.#rest = bytes.slice();
      return 0;
    }
    if (!text.startsWith("HTTP/1.1 101")) {
      socket.end();
      return 0;
    }
    this.#isOpen = true;
    this.#tally.open += 1;
    this.#settle();
    return end + 4;
  }

  /** Handles the frame that begins at `start`; returns where it ends, or 0 where it is not all there. */
  #readFrame(socket: Socket<LoadConnection>, bytes: Uint8Array, start: number, now: number): number {
    if (bytes.length < start + 2) return 0;
    let length = bytes[start + 1] ?? 0;
    let body = start + 2;
    if (length === 126) {
      if (bytes.length < start + 4) return 0;
      length = ((bytes[start + 2] ?? 0) << 8) | (bytes[start + 3] ?? 0);
      body = start + 4;
    } else if (length === 127) {
      if (bytes.length < start + 10) return 0;
      length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(start + 6);
      body = start + 10;
    }
    const end = body + length;
    if (bytes.length < end) return 0;
    const opcode = (bytes[start] ?? 0) & 0x0f;
    if (opcode === TEXT) this.#count(bytes, body, end, now);
    else if (opcode === PING) socket.write(masked(0xa, bytes.subarray(body, end)));
    else if (opcode === CLOSE) this.#answerClose(socket, bytes.subarray(body, end));
    return end;
  }

  #count(bytes: Uint8Array, start: number, end: number, now: number): void {
    const tally = this.#tally;
    if (!readFrame(bytes, start, end, seen)) {
      tally.systemFrames += 1;
      return;
    }
    tally.frames += 1;
    tally.bytes += end - start;
    if (seen.hasOffset) tally.withOffset += 1;
    tally.latency.add(now - seen.at);
    const isForAll = seen.user === EVERYONE;
    if (!isForAll && seen.user !== this.user) tally.wrongUser += 1;
    const last = isForAll ? this.#lastOfAll : this.#lastOwn;
    if (seen.n <= last) tally.notRising += 1;
    else if (last > 0) tally.lost += seen.n - last - 1;
    if (isForAll) this.#lastOfAll = seen.n;
    else this.#lastOwn = seen.n;
  }

  #answerClose(socket: Socket<LoadConnection>, payload: Uint8Array): void {
    this.#closeCode = ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
    this.#closeReason = Buffer.from(payload.subarray(2)).toString("utf8");
    socket.end(masked(CLOSE, payload.subarray(0, 2)));
  }
}
