import { connect, createServer, type Server, type Socket } from "node:net";

/** Whether a message of the channel is swallowed. */
export type Swallows = (message: Buffer) => boolean;

/**
 * Stands between a relay and Redis and swallows chosen messages of one channel on their way to the relay, without either
 * side noticing. Reads RESP3 just well enough to find them.
 */
export class SwallowingProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(port: number, server: Server, sockets: Set<Socket>) {
    this.port = port;
    this.#server = server;
    this.#sockets = sockets;
  }

  static async open(redisPort: number, channel: string, swallows: Swallows): Promise<SwallowingProxy> {
    const sockets = new Set<Socket>();
    const server = createServer((relay) => {
      const redis = connect(redisPort, "127.0.0.1");
      const sieve = new Sieve(channel, swallows);
      for (const [one, other] of [
        [relay, redis],
        [redis, relay],
      ] as const) {
        sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          sockets.delete(one);
          other.destroy();
        });
      }
      relay.on("data", (chunk: Buffer) => redis.write(chunk));
      redis.on("data", (chunk: Buffer) => relay.write(sieve.pass(chunk)));
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", resolve);
    await promise;
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return new SwallowingProxy(address.port, server, sockets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await promise;
  }
}

/** Takes chosen messages out of one connection's bytes. */
class Sieve {
  readonly #head: Buffer;
  readonly #swallows: Swallows;
  #rest: Buffer = Buffer.alloc(0);

  constructor(channel: string, swallows: Swallows) {
    this.#head = Buffer.from(`>3\r\n$7\r\nmessage\r\n$${channel.length}\r\n${channel}\r\n$`);
    this.#swallows = swallows;
  }

  /** What of the bytes so far may go on. */
  pass(chunk: Buffer): Buffer {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const passed: Buffer[] = [];
    let from = 0;
    for (;;) {
      const start = bytes.indexOf(this.#head, from);
      const end = start === -1 ? -1 : this.#endOf(bytes, start);
      if (start === -1 || end === -1) {
        const keep = start === -1 ? bytes.length - this.#overlap(bytes, from) : start;
        passed.push(bytes.subarray(from, keep));
        this.#rest = bytes.subarray(keep);
        return Buffer.concat(passed);
      }
      const body = bytes.indexOf("\r\n", start + this.#head.length) + 2;
      const isSwallowed = this.#swallows(bytes.subarray(body, end - 2));
      passed.push(bytes.subarray(from, isSwallowed ? start : end));
      from = end;
    }
  }

  /** Where the message that begins at `start` ends; -1 where it is not all there. */
  #endOf(bytes: Buffer, start: number): number {
    const digits = start + this.#head.length;
    const line = bytes.indexOf("\r\n", digits);
    if (line === -1) return -1;
    const end = line + 2 + Number(bytes.toString("latin1", digits, line)) + 2;
    return end <= bytes.length ? end : -1;
  }

  /** How many bytes at the end may be the begin of a message. */
  #overlap(bytes: Buffer, from: number): number {
    for (let length = Math.min(this.#head.length - 1, bytes.length - from); length > 0; length -= 1) {
      if (bytes.subarray(bytes.length - length).equals(this.#head.subarray(0, length))) return length;
    }
    return 0;
  }
}
