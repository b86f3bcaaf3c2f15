import { createClient, RESP_TYPES } from "@redis/client";
import type { BrokerMessage, Marks, MarkWrite } from "./broker.ts";
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

  /** Sets the members of a sorted set whose scores are their ends, forgets what is too old or too much, and publishes. */
  async setMarks({ key, marks, onlyMissing, now, rememberMs, most, tell }: MarkWrite): Promise<void> {
    const transaction = this.#client.multi();
    const members = Array.from(marks, ([value, score]) => ({ value, score }));
    transaction.zRemRangeByScore(key, "-inf", now - rememberMs);
    if (members.length > 0) transaction.zAdd(key, members, onlyMissing === true ? { condition: "NX" } : {});
    transaction.zRemRangeByRank(key, 0, -most - 1);
    // In time to come, since Redis has a clock of its own. GT alone leaves a key without an end as it is.
    const left = Math.ceil(Math.max(0, ...[...marks.values()].map((end) => end - now))) + rememberMs;
    for (const mode of ["NX", "GT"] as const) transaction.pExpire(key, left, mode);
    for (const { channel, data } of tell) transaction.publish(channel, argument(data));
    await transaction.exec();
  }

  /** One page of a sorted set, and where the next one begins: `"0"` after the last. */
  async scanMarks(key: string, cursor: string): Promise<{ readonly cursor: string; readonly marks: Marks }> {
    const { members, cursor: next } = await this.#client.zScan(key, cursor, { COUNT: MARKS_AT_ONCE });
    return { cursor: next, marks: new Map(members.map(({ value, score }) => [value, score])) };
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

/** Roughly how many members Redis looks up for one page. */
const MARKS_AT_ONCE = 1_000;

const STRINGS_AS_BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } as const;

function argument(data: string | Uint8Array): string | Buffer {
  if (typeof data === "string" || Buffer.isBuffer(data)) return data;
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
