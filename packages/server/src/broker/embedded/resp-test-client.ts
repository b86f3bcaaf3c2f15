import { connect, type Socket } from "node:net";

/** A bare connection to a loopback port, for tests that look at the bytes. */
export class RawConnection implements AsyncDisposable {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #closed = false;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
    const connection = new RawConnection(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return connection;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Sends bytes as they are; text as one byte per character. */
  write(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Sends one command. */
  send(...words: readonly (string | Uint8Array)[]): void {
    this.write(command(...words));
  }

  /** Says that nothing more will be written, and goes on reading. */
  finishWriting(): void {
    this.#socket.end();
  }

  /** Stops reading, so that the other end's output piles up. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Waits until exactly this came, one byte per character; fails at the first byte that differs. */
  async expect(expected: string): Promise<void> {
    await this.#until(() => this.#received.length >= expected.length || this.#differs(expected), expected);
    const got = this.#received.toString("latin1");
    if (!got.startsWith(expected))
      throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
    this.#received = this.#received.subarray(expected.length);
  }

  /** Sends one command and waits for its exact answer. */
  async ask(words: readonly (string | Uint8Array)[], answer: string): Promise<void> {
    this.send(...words);
    await this.expect(answer);
  }

  /** Switches to protocol 3, and passes over the greeting. */
  async sayHello(): Promise<void> {
    this.send("HELLO", "3");
    await this.#until(() => this.#received.includes("modules\r\n*0\r\n"), "the greeting");
    this.#received = Buffer.alloc(0);
  }

  /** Waits for one array of strings without line breaks, and gives them. */
  async readStrings(): Promise<string[]> {
    const lines = (): string[] => this.#received.toString("latin1").split("\r\n").slice(0, -1);
    const complete = (): boolean => {
      const [header, ...rest] = lines();
      return header !== undefined && rest.length === Number(header.slice(1)) * 2;
    };
    await this.#until(complete, "an array of strings");
    const strings = lines().filter((_, index) => index > 0 && index % 2 === 0);
    this.#received = Buffer.alloc(0);
    return strings;
  }

  /** Waits until the other end closed, and gives what it said last. */
  async untilClosed(): Promise<string> {
    await this.#until(() => this.#closed, "the end of the connection");
    const rest = this.#received.toString("latin1");
    this.#received = Buffer.alloc(0);
    return rest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.#until(() => this.#closed, "the end of the connection");
  }

  #differs(expected: string): boolean {
    const got = this.#received.toString("latin1");
    return !expected.startsWith(got) && !got.startsWith(expected);
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, 10_000);
    while (!condition() && !late && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
    clearTimeout(timer);
    if (!condition()) {
      const got = JSON.stringify(this.#received.toString("latin1").slice(0, 1_000));
      throw new Error(
        `waited in vain for ${JSON.stringify(what)}, got ${got}${this.#closed ? " and the end" : ""}`,
      );
    }
  }
}

/** The bytes of one command. */
export function command(...words: readonly (string | Uint8Array)[]): Uint8Array {
  const parts = words.map((word) => Buffer.from(word));
  const bulks = parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from("\r\n")]);
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...bulks]);
}
