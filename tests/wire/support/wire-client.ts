import { connect, type Socket } from "node:net";
import { opcodes, type ReceivedFrame, takeFrame } from "./frames.ts";

/** How long something may take to come before a test gives up, in milliseconds. */
const PATIENCE_MS = 15_000;

/** A handshake that any WebSocket server takes. */
export function handshakeFor(port: number, path: string, more: readonly string[] = []): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...more,
    "",
    "",
  ].join("\r\n");
}

/** The status and the body's text of an answer, once its head has come; null before. */
export function readHead(bytes: Buffer): { status: number; head: string; rest: Buffer } | null {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const head = bytes.subarray(0, end).toString("latin1");
  return { status: Number(head.split(" ")[1]), head, rest: bytes.subarray(end + 4) };
}

/** A TCP connection to the relay that sends what it is told, byte for byte, and keeps all that comes back. */
export class WireClient implements Disposable {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  /** Frames that came, in order. Empty until {@link upgraded}. */
  readonly frames: ReceivedFrame[] = [];
  #isUpgraded = false;
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void } | null = null;
  isEnded = false;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (bytes: Buffer) => {
      this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
      if (this.#isUpgraded) this.#read();
      this.#look();
    });
    const end = (): void => {
      this.isEnded = true;
      this.#look();
    };
    for (const event of ["end", "close", "error"]) this.#socket.on(event, end);
  }

  /** Connects, shakes hands on `path`, and resolves once the relay has upgraded. */
  static async open(port: number, path: string, more: readonly string[] = []): Promise<WireClient> {
    const client = new WireClient(port);
    client.send(handshakeFor(port, path, more));
    await client.upgraded();
    return client;
  }

  /** All bytes that came and were not read as frames. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Sends bytes as they are. */
  send(...chunks: readonly (string | Uint8Array)[]): void {
    if (!this.#socket.destroyed) this.#socket.write(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))));
  }

  /** Sends chunks with the kernel given the chance to deliver each on its own. */
  async sendApart(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      this.send(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Resolves once TCP is connected. */
  async connected(): Promise<void> {
    if (!this.#socket.connecting) return;
    await new Promise<void>((resolve) => this.#socket.once("connect", () => resolve()));
  }

  /** Resolves once `holds` does, which is asked whenever bytes or the end came. One wait at a time. */
  async until(what: string, holds: () => boolean): Promise<void> {
    if (await this.within(PATIENCE_MS, holds)) return;
    const seen = this.frames.map(({ opcode, payload }) => `${opcode}:${payload.length}`).join(" ");
    throw new Error(`it did not come to pass: ${what}; frames so far: ${seen}`);
  }

  /** Waits for `holds` as {@link until} does, for so long at most; whether it came true. */
  async within(milliseconds: number, holds: () => boolean): Promise<boolean> {
    if (holds()) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    this.#waiting = { holds, resolve };
    await promise;
    this.#waiting = null;
    clearTimeout(timer);
    return holds();
  }

  /** Resolves once that many frames came. */
  async received(count: number): Promise<readonly ReceivedFrame[]> {
    await this.until(`${count} frames came`, () => this.frames.length >= count);
    return this.frames;
  }

  /** Resolves with the answer's head; rejects where the connection ends before it. */
  async answered(): Promise<{ status: number; head: string; rest: Buffer }> {
    await this.until("an answer came", () => readHead(this.#bytes) !== null || this.isEnded);
    const read = readHead(this.#bytes);
    if (read === null) throw new Error(`ended without an answer: ${this.#bytes.toString("latin1")}`);
    return read;
  }

  /** Resolves once the relay has upgraded, and reads frames from there on. */
  async upgraded(): Promise<void> {
    const { status, head, rest } = await this.answered();
    if (status !== 101) throw new Error(`not upgraded: ${head}`);
    this.#bytes = rest;
    this.#isUpgraded = true;
    this.#read();
  }

  /** The code of the Close frame that came: 1005 for one without, null where none came. */
  get closeCode(): number | null {
    const close = this.frames.find(({ opcode }) => opcode === opcodes.close);
    if (close === undefined) return null;
    return close.payload.length < 2 ? 1005 : close.payload.readUInt16BE(0);
  }

  /** Resolves once the relay has ended the connection. */
  async ended(): Promise<void> {
    await this.until("the relay ended the connection", () => this.isEnded);
  }

  /** Ends the sending side alone. */
  finish(): void {
    this.#socket.end();
  }

  /** Cuts the connection with a TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #look(): void {
    if (this.#waiting?.holds() === true) this.#waiting.resolve();
  }

  #read(): void {
    for (let taken = takeFrame(this.#bytes); taken !== null; taken = takeFrame(this.#bytes)) {
      this.frames.push(taken.frame);
      this.#bytes = taken.rest;
    }
  }
}
