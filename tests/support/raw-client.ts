import { connect, type Socket } from "node:net";

/** A WebSocket over a bare TCP socket whose reading a test can stop, as no library lets it. */
export class RawClient {
  readonly socket: Socket;
  /** Bytes received after the handshake. */
  receivedBytes = 0;
  /** The last bytes received, to look for a Close frame in. */
  tail: Buffer = Buffer.alloc(0);
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.receivedBytes += bytes.length;
      this.tail = Buffer.concat([this.tail, bytes]).subarray(-512);
    });
    socket.on("close", () => (this.isClosed = true));
    socket.on("error", () => (this.isClosed = true));
  }

  /** Connects and finishes the handshake. */
  static async open(port: number, path: string): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.once("data", (bytes: Buffer) => {
        if (bytes.toString("latin1").startsWith("HTTP/1.1 101")) resolve();
        else reject(new Error(bytes.toString("latin1")));
      });
    });
    return new RawClient(socket);
  }

  /** Stops reading: what the relay sends fills the kernel's buffers and then the relay's. */
  stopReading(): void {
    this.socket.pause();
  }

  /** Reads on. */
  readOn(): void {
    this.socket.resume();
  }

  /** The code of the Close frame at the end of what was received, or null. */
  get closeCode(): number | null {
    for (let at = this.tail.length - 4; at >= 0; at -= 1) {
      if (this.tail[at] === 0x88 && (this.tail[at + 1] ?? 0) + at + 2 === this.tail.length) {
        return this.tail.readUInt16BE(at + 2);
      }
    }
    return null;
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Lets go of the connection without a word. */
  destroy(): void {
    this.socket.destroy();
  }
}
