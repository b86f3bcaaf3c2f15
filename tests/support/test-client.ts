import { eventually } from "./eventually.ts";

/** How a client connects. */
export interface TestClientOptions {
  readonly url: string;
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a connection ended. */
export interface CloseNote {
  readonly code: number;
  readonly reason: string;
}

/** One frame as a client sees it after JSON.parse. */
export interface SeenFrame {
  readonly type: string;
  readonly payload?: unknown;
  readonly id?: string;
}

/** A WebSocket client that keeps everything it received. */
export class TestClient {
  /** Every text frame, as it came. */
  readonly texts: string[] = [];
  closeEvent: CloseNote | null = null;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", (event: MessageEvent<unknown>) => this.texts.push(String(event.data)));
    socket.addEventListener("close", ({ code, reason }) => (this.closeEvent = { code, reason }));
  }

  /** Connects; resolves when the handshake is done, rejects where it is refused. */
  static async open(options: TestClientOptions): Promise<TestClient> {
    const { url, protocols = [], headers = {} } = options;
    const socket = new WebSocket(url.replace(/^http/, "ws"), { protocols: [...protocols], headers });
    const client = new TestClient(socket);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("close", () => reject(new Error("the handshake was refused")));
    await promise;
    return client;
  }

  /** The subprotocol that the relay chose. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** All frames so far, parsed. */
  get frames(): readonly SeenFrame[] {
    return this.texts.map((text) => JSON.parse(text) as SeenFrame);
  }

  /** Resolves with the frames once there are `count` of them. */
  async received(count: number): Promise<readonly SeenFrame[]> {
    await eventually(`${count} frames came (${this.texts.length} did)`, () => this.texts.length >= count);
    return this.frames;
  }

  /** Resolves with the first frame of a type. */
  async frame(type: string): Promise<SeenFrame> {
    const find = (): SeenFrame | undefined => this.frames.find((frame) => frame.type === type);
    await eventually(`a frame of type ${type} came`, () => find() !== undefined);
    const frame = find();
    if (frame === undefined) throw new Error("unreachable");
    return frame;
  }

  /** Resolves with the close once the connection ended. */
  async closed(): Promise<CloseNote> {
    await eventually("the connection closed", () => this.closeEvent !== null);
    return this.closeEvent ?? { code: 0, reason: "" };
  }

  /** Sends a value as JSON, or a text or bytes as they are. */
  send(message: unknown): void {
    if (typeof message === "string" || message instanceof Uint8Array) this.#socket.send(message);
    else this.#socket.send(JSON.stringify(message));
  }

  /** Closes the connection from the client's side. */
  close(): void {
    this.#socket.close();
  }
}
