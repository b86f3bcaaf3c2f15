import {
  gather,
  isRefusal,
  type CommandWords,
  type RedisPort,
  type Subscription,
  type SubscriptionEvents,
} from "./redis-port.ts";

/** A client of `redis` or `@redis/client`, version 5 or newer, that its owner connects and closes. */
export interface NodeRedisClient {
  readonly isReady: boolean;
  sendCommand(words: readonly string[]): Promise<unknown>;
  duplicate(overrides?: object): unknown;
}

/** What is used of it beside; its own types depend on its modules. */
interface FullClient extends NodeRedisClient {
  readonly options?: { readonly socket?: object };
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  ping(): Promise<unknown>;
  on(event: string, listener: (value: Error) => void): unknown;
  off(event: string, listener: (value: Error) => void): unknown;
  destroy(): void;
}

const TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;

/** A port over a client that is there already. */
export class NodeRedisPort implements RedisPort {
  readonly #client: FullClient;

  constructor(client: NodeRedisClient) {
    this.#client = client as FullClient;
  }

  send(commands: readonly CommandWords[]): Promise<readonly unknown[]> {
    return gather(commands.map((words) => this.#client.sendCommand(words)));
  }

  subscribe(channel: string, events: SubscriptionEvents): Promise<Subscription> {
    return subscribe(this.#client, channel, events);
  }

  close(): void {}
}

/** A port over a client of its own, which it connects at the first command. */
export class OwnNodeRedisPort implements RedisPort {
  readonly #url: string;
  #opened: Promise<FullClient> | null = null;
  #closed = false;

  constructor(url: string) {
    this.#url = url;
  }

  async send(commands: readonly CommandWords[], signal: AbortSignal): Promise<readonly unknown[]> {
    const client = await this.#open();
    await ready(client, signal);
    return gather(commands.map((words) => client.sendCommand(words)));
  }

  async subscribe(channel: string, events: SubscriptionEvents): Promise<Subscription> {
    return subscribe(await this.#open(), channel, events);
  }

  close(): void {
    this.#closed = true;
    void this.#opened?.then(destroy, () => {});
  }

  async #open(): Promise<FullClient> {
    this.#opened ??= openClient(this.#url);
    const client = await this.#opened;
    if (this.#closed) destroy(client);
    return client;
  }
}

async function openClient(url: string): Promise<FullClient> {
  const { createClient } = await import("@redis/client");
  const client = createClient({
    url,
    // Repeats are decided by the worker, where it is known what may be sent twice.
    disableOfflineQueue: true,
    socket: {
      connectTimeout: TIMEOUT_MS,
      reconnectStrategy: (failures) =>
        Math.random() * Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures),
    },
  }) as unknown as FullClient;
  client.on("error", () => {});
  client.connect().catch(() => {});
  return client;
}

/** Resolves when the client is connected; rejects with why it is not at its next failure. */
function ready(client: FullClient, signal: AbortSignal): Promise<void> {
  if (client.isReady) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      client.off("ready", onReady);
      client.off("error", settle);
      signal.removeEventListener("abort", onAbort);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onReady = (): void => settle();
    const onAbort = (): void => settle(new Error("closed"));
    client.on("ready", onReady);
    client.on("error", settle);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}

async function subscribe(
  client: FullClient,
  channel: string,
  events: SubscriptionEvents,
): Promise<Subscription> {
  const own = client.duplicate({
    disableOfflineQueue: false,
    socket: { ...client.options?.socket, connectTimeout: TIMEOUT_MS, reconnectStrategy: false },
  }) as FullClient;
  let last: Error = new Error("the connection to Redis was closed");
  own.on("error", (error) => {
    last = error;
    events.onEnd(error);
  });
  own.on("end", () => events.onEnd(last));
  try {
    await own.connect();
    await own.subscribe(channel, (message) => events.onMessage(message));
  } catch (error) {
    destroy(own);
    throw isRefusal(last) ? last : error;
  }
  return { ping: () => own.ping(), close: () => destroy(own) };
}

function destroy(client: FullClient): void {
  try {
    client.destroy();
  } catch {
    // It was closed already.
  }
}
