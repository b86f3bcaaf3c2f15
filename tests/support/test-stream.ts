import { connect, type Socket } from "node:net";
import { EventStreamParser } from "./event-stream-parser.ts";
import { eventually } from "./eventually.ts";
import type { SeenFrame } from "./test-client.ts";

/** A client of `/v1/stream` that keeps everything it received. */
export class TestStream implements Disposable {
  readonly response: Response;
  readonly parser: EventStreamParser = new EventStreamParser();
  /** Whether the stream ended: with all that was said before, or cut. */
  isEnded = false;
  readonly #abort: AbortController;

  constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    void this.#read();
  }

  /** Opens a stream; rejects where it is refused. */
  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<TestStream> {
    const abort = new AbortController();
    const response = await fetch(url, { headers, signal: abort.signal });
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return new TestStream(response, abort);
  }

  /** All frames so far, parsed. */
  get frames(): readonly SeenFrame[] {
    return this.parser.events.map(({ data }) => JSON.parse(data) as SeenFrame);
  }

  /** All updates so far: what is no system frame. */
  get updates(): readonly SeenFrame[] {
    return this.frames.filter(({ type }) => !type.startsWith("tidings."));
  }

  /** Resolves with the updates once there are `count` of them. */
  async received(count: number): Promise<readonly SeenFrame[]> {
    await eventually(`${count} updates came`, () => this.updates.length >= count);
    return this.updates;
  }

  /** Resolves with the first frame of a type. */
  async frame(type: string): Promise<SeenFrame> {
    const find = (): SeenFrame | undefined => this.frames.find((frame) => frame.type === type);
    await eventually(`a frame of type ${type} came`, () => find() !== undefined);
    return find() ?? { type };
  }

  /** Resolves once the stream has ended. */
  async ended(): Promise<void> {
    await eventually("the stream ended", () => this.isEnded);
  }

  [Symbol.dispose](): void {
    this.#abort.abort();
  }

  async #read(): Promise<void> {
    try {
      for await (const bytes of this.response.body ?? []) this.parser.push(bytes);
    } catch {
      // A stream that was cut has said all that it will say, too.
    }
    this.isEnded = true;
  }
}

/** A stream over a bare TCP socket, whose reading a test can stop. Its text has the chunks' sizes in it. */
export class RawStream {
  readonly socket: Socket;
  receivedBytes = 0;
  /** The last of what was received. */
  tail = "";
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.receivedBytes += bytes.length;
      this.tail = (this.tail + bytes.toString("latin1")).slice(-1_024);
    });
    socket.on("close", () => (this.isClosed = true));
    socket.on("error", () => (this.isClosed = true));
  }

  /** Asks for a stream and resolves once the answer began. Reads no further where `reads` is false. */
  static async open(
    port: number,
    path: string,
    { version = "1.1", reads = true }: { readonly version?: string; readonly reads?: boolean } = {},
  ): Promise<RawStream> {
    const stream = new RawStream(connect(port, "127.0.0.1"));
    stream.socket.once("data", () => reads || stream.socket.pause());
    stream.socket.write(`GET ${path} HTTP/${version}\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    await eventually("an answer began", () => stream.receivedBytes > 0 || stream.isClosed);
    return stream;
  }
}
