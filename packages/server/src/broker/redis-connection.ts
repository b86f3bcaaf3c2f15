import { createClient, RESP_TYPES } from "@redis/client";
import type { BrokerMessage } from "./broker.ts";
import type { FunctionArgument, FunctionHost } from "./redis-log/function-library.ts";
import type { RedisTarget } from "./redis-target.ts";

/** What a {@link RedisConnection} needs. */
export interface RedisConnectionOptions {
  readonly target: RedisTarget;
  /** Name that `CLIENT LIST` shows. */
  readonly name: string;
  /** How long the TCP and TLS handshakes may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /**
   * Something went wrong with the connection; it is of no more use and wants to be destroyed. May be called
   * again.
   */
  readonly onFault: (error: unknown) => void;
}

/**
 * One connection to Redis that is made once and never mends itself: the client's own reconnect neither
 * notices a Redis that hangs nor treats two connections as one, so whoever owns this makes a new one instead.
 */
export class RedisConnection implements FunctionHost {
  readonly #client;
  #destroyed = false;

  constructor({ target, name, connectTimeoutMs, onFault }: RedisConnectionOptions) {
    const { host, port, username, password, serverName, database } = target;
    const endpoint = { host, port, connectTimeout: connectTimeoutMs, reconnectStrategy: false } as const;
    this.#client = createClient({
      // RESP3 logs in and sets the name by HELLO, which no ACL can forbid; SETNAME and SETINFO can be
      // forbidden.
      RESP: 3,
      name,
      disableClientInfo: true,
      disableOfflineQueue: true,
      maintNotifications: "disabled",
      commandOptions: { timeout: 0 },
      database,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      socket: target.tls
        ? { ...endpoint, tls: true, ...(serverName === undefined ? {} : { servername: serverName }) }
        : endpoint,
    });
    this.#client.on("error", onFault);
    // A client that is destroyed while TCP connects has no hold on its socket yet: it is caught when it
    // appears.
    this.#client.on("connect", () => {
      if (this.#destroyed) this.#client.destroy();
    });
  }

  /** Connects and logs in. Rejects where that fails, or when the connection is destroyed meanwhile. */
  async open(): Promise<void> {
    await this.#client.connect();
  }

  /**
   * Publishes one message as it is and several in a transaction. Returns how many subscribers each one
   * reached.
   */
  async publish(messages: readonly BrokerMessage[]): Promise<readonly number[]> {
    const [first] = messages;
    if (first === undefined) return [];
    if (messages.length === 1) return [await this.#client.publish(first.channel, argument(first.data))];
    const transaction = this.#client.multi();
    for (const { channel, data } of messages) transaction.publish(channel, argument(data));
    return (await transaction.exec()).map(Number);
  }

  /**
   * What Redis says it is: `master`, `replica`, `sentinel`; null where it does not tell. Asked by HELLO, which no ACL can
   * forbid, while `ROLE` and `INFO` need a right of their own.
   */
  async role(): Promise<string | null> {
    const answer: unknown = await this.#client.sendCommand(["HELLO", "3"]);
    const role = typeof answer === "object" && answer !== null && "role" in answer ? answer.role : null;
    return typeof role === "string" ? role : null;
  }

  /** How many subscribers listen on exactly this channel. */
  async countSubscribers(channel: string): Promise<number> {
    const counts = await this.#client.pubSubNumSub([channel]);
    return counts[channel] ?? 0;
  }

  /** Sets a key that is gone after so many milliseconds; false where it is there already. */
  async claimOnce(key: string, ttlMs: number): Promise<boolean> {
    const answer = await this.#client.set(key, "1", {
      condition: "NX",
      expiration: { type: "PX", value: ttlMs },
    });
    return answer !== null;
  }

  async callFunction(
    name: string,
    keys: readonly string[],
    args: readonly FunctionArgument[],
  ): Promise<unknown> {
    const command = ["FCALL", name, String(keys.length), ...keys, ...args.map(argument)];
    return this.#client.sendCommand(command, STRINGS_AS_BYTES);
  }

  async loadFunctions(source: string): Promise<void> {
    await this.#client.sendCommand(["FUNCTION", "LOAD", "REPLACE", source]);
  }

  /** Cuts the connection at once, whatever Redis does; what waits for an answer is rejected. Idempotent. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#client.destroy();
  }
}

const STRINGS_AS_BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } as const;

function argument(data: string | Uint8Array): string | Buffer {
  if (typeof data === "string" || Buffer.isBuffer(data)) return data;
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
