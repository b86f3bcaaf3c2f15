import { createClient, RESP_TYPES } from "@redis/client";

const BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } as const;

/** A test's own connection to Redis, which comes back by itself. */
export class RedisShell implements AsyncDisposable {
  readonly #client;

  private constructor(url: string) {
    this.#client = createClient({ url, socket: { reconnectStrategy: 20 } });
    this.#client.on("error", () => {});
  }

  /** Connects. */
  static async open(url: string): Promise<RedisShell> {
    const shell = new RedisShell(url);
    await shell.#client.connect();
    return shell;
  }

  /** Runs a command. Strings in the reply are bytes; an error reply rejects. */
  bytes(...args: readonly (string | Uint8Array)[]): Promise<unknown> {
    return this.#client.sendCommand(
      args.map((arg) => (typeof arg === "string" ? arg : Buffer.from(arg))),
      BYTES,
    );
  }

  /** Runs a command and shows its reply as JSON would, strings as text. */
  async run(...args: readonly (string | Uint8Array)[]): Promise<unknown> {
    return shown(await this.bytes(...args));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
  }
}

function shown(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString();
  return Array.isArray(reply) ? reply.map(shown) : reply;
}
