import {
  gather,
  type CommandWords,
  type RedisPort,
  type Subscription,
  type SubscriptionEvents,
} from "./redis-port.ts";

/** A client of `ioredis`, version 5 or newer, that its owner closes. */
export interface IoRedisClient {
  readonly status: string;
  call(command: string, ...words: string[]): Promise<unknown>;
  duplicate(overrides?: object): unknown;
}

/** What is used of it beside. */
interface FullClient extends IoRedisClient {
  connect(): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  ping(): Promise<unknown>;
  on(event: string, listener: (first: unknown, second: unknown) => void): unknown;
  disconnect(): void;
}

const TIMEOUT_MS = 5_000;

/** A port over a client of ioredis. */
export class IoRedisPort implements RedisPort {
  readonly #client: FullClient;

  constructor(client: IoRedisClient) {
    this.#client = client as FullClient;
  }

  send(commands: readonly CommandWords[]): Promise<readonly unknown[]> {
    return gather(commands.map(([name = "", ...words]) => this.#client.call(name, ...words)));
  }

  async subscribe(channel: string, events: SubscriptionEvents): Promise<Subscription> {
    const own = this.#client.duplicate({
      lazyConnect: true,
      connectTimeout: TIMEOUT_MS,
      retryStrategy: null,
      maxRetriesPerRequest: 0,
    }) as FullClient;
    let last: Error = new Error("the connection to Redis was closed");
    own.on("error", (error) => {
      if (error instanceof Error) last = error;
    });
    own.on("message", (_, message) => events.onMessage(String(message)));
    own.on("end", () => events.onEnd(last));
    try {
      await own.connect();
      await own.subscribe(channel);
    } catch (error) {
      own.disconnect();
      throw error;
    }
    return { ping: () => own.ping(), close: () => own.disconnect() };
  }

  close(): void {}
}
