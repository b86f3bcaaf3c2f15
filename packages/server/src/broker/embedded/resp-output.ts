/**
 * The part of a socket that output needs. `write` gives how many bytes the kernel took, -1 where the socket
 * is gone.
 */
export interface OutputSocket {
  write(bytes: Uint8Array): number;
  /** Closes after what was written has left. */
  end(): void;
  /** Closes at once. */
  terminate(): void;
}

/**
 * What waits for one connection. Everything written in one turn of the event loop leaves in one piece. A
 * connection that leaves more than `limit` bytes unread is cut at once, so that one that never reads cannot
 * fill the memory.
 */
export class RespOutput {
  readonly #socket: OutputSocket;
  readonly #limit: number;
  readonly #onOverflow: () => void;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #flushPlanned = false;
  #ending = false;
  #closed = false;

  constructor(socket: OutputSocket, limit: number, onOverflow: () => void) {
    this.#socket = socket;
    this.#limit = limit;
    this.#onOverflow = onOverflow;
  }

  /** Bytes that the kernel has not taken yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Whether bytes can still be written: neither ended, nor cut. */
  get open(): boolean {
    return !this.#ending && !this.#closed;
  }

  /** Adds bytes, which must not change any more. After `end` or `close` it does nothing. */
  write(bytes: Uint8Array): void {
    if (this.#ending || this.#closed) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > this.#limit) {
      this.flush();
      if (this.#waitingBytes > this.#limit) this.#overflow();
    } else if (!this.#flushPlanned) {
      this.#flushPlanned = true;
      queueMicrotask(() => {
        this.#flushPlanned = false;
        this.flush();
      });
    }
  }

  /** Offers the kernel what waits. Call it when the socket can take bytes again. */
  flush(): void {
    if (this.#closed) return;
    if (this.#waitingBytes > 0) {
      const all = this.#waiting.length === 1 ? this.#waiting[0] : undefined;
      const bytes = all ?? Buffer.concat(this.#waiting);
      const taken = Math.max(0, this.#socket.write(bytes));
      this.#waiting = taken < bytes.length ? [bytes.subarray(taken)] : [];
      this.#waitingBytes = bytes.length - taken;
    }
    if (this.#ending && this.#waitingBytes === 0) {
      this.#closed = true;
      this.#socket.end();
    }
  }

  /** Closes the connection once everything written so far has left. */
  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.flush();
  }

  /** Closes the connection at once and drops what waits. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#socket.terminate();
  }

  #overflow(): void {
    this.close();
    this.#onOverflow();
  }
}
