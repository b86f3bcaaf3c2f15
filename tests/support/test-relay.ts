import { createClient } from "@redis/client";
import { pino } from "pino";
import { defaultSettings } from "../../packages/server/src/config/load.ts";
import type { Settings } from "../../packages/server/src/config/schema.ts";
import { type Relay, type RelayOptions, startRelay } from "../../packages/server/src/relay.ts";
import { eventually } from "./eventually.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { TestClient, type TestClientOptions } from "./test-client.ts";

/** How a test's relay differs from the usual one. */
export interface TestRelayOptions extends Omit<Partial<RelayOptions>, "settings"> {
  readonly settings?: Partial<Settings>;
  /** A Redis shared with other relays; one of its own unless given. */
  readonly redis?: RedisServer;
}

type Command = (command: string[]) => Promise<unknown>;

/** A relay in this process on a free port, with a real Redis, development identities, and its log kept. */
export class TestRelay implements AsyncDisposable {
  readonly relay: Relay;
  readonly redis: RedisServer;
  /** Every line logged so far, as JSON. */
  readonly log: string[];
  readonly #disposables: AsyncDisposableStack;
  readonly #command: Command;

  constructor(
    relay: Relay,
    redis: RedisServer,
    log: string[],
    command: Command,
    disposables: AsyncDisposableStack,
  ) {
    this.relay = relay;
    this.redis = redis;
    this.log = log;
    this.#command = command;
    this.#disposables = disposables;
  }

  /** `http://127.0.0.1:<port>`. */
  get url(): string {
    return `http://127.0.0.1:${this.relay.port}`;
  }

  /** Opens a client of a user by `?user_id=`, and resolves when the relay has registered it. */
  async connect(userId: string, options: Partial<TestClientOptions> = {}): Promise<TestClient> {
    const before = this.relay.hub.clientsOf(userId).length;
    const client = await TestClient.open({
      url: `${this.url}/ws?user_id=${encodeURIComponent(userId)}`,
      ...options,
    });
    this.#disposables.defer(() => client.close());
    await eventually(
      `${userId} is registered`,
      () => this.relay.hub.clientsOf(userId).length > before || client.closeEvent !== null,
    );
    return client;
  }

  /** Publishes on `updates` as a worker does, with a plain Redis client. */
  async publish(update: unknown): Promise<void> {
    await this.publishRaw(JSON.stringify(update));
  }

  /** Publishes a text as it is. */
  async publishRaw(text: string, channel = "updates"): Promise<void> {
    await this.#command(["PUBLISH", channel, text]);
  }

  /** Stores an update in the log and has it delivered, as a worker does without an SDK. Returns its position. */
  async store(update: { readonly target_user_id: string } & Record<string, unknown>): Promise<string> {
    const key = `tidings:{${update.target_user_id}}:log`;
    return String(await this.#command(["FCALL", "tidings_publish", "1", key, JSON.stringify(update)]));
  }

  /** Asks the relay's HTTP interface. */
  http(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + path, init);
  }

  /** The value of one metric with exactly these labels as they are written: `tidings_updates_total{result="delivered"}`. */
  async metric(name: string): Promise<number> {
    const text = await (await this.http("/metrics")).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.slice(name.length + 1));
  }

  /** Resolves once updates are proved to arrive. */
  async ready(): Promise<void> {
    await eventually("the relay is ready", () => this.relay.brokerHealth().ok);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposables.disposeAsync();
  }
}

/** Starts a relay, with a Redis of its own unless one is given, and resolves when updates arrive. */
export async function startTestRelay(options: TestRelayOptions = {}): Promise<TestRelay> {
  const disposables = new AsyncDisposableStack();
  const redis = options.redis ?? disposables.use(await startRedis());
  const log: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => void log.push(line) });
  const settings: Settings = {
    ...defaultSettings(),
    host: "127.0.0.1",
    port: 0,
    embedded_port: 0,
    redis_url: redis.url,
    insecure_user_id: true,
    drain_window: 0,
    ...options.settings,
  };
  const relay = startRelay({ version: "0.0.0-test", logger, ...options, settings });
  disposables.use(relay);
  const { embeddedPort } = relay;
  const publisher = createClient({
    url: embeddedPort === null ? redis.url : `redis://127.0.0.1:${embeddedPort}`,
  });
  publisher.on("error", () => {});
  await publisher.connect();
  disposables.defer(() => publisher.destroy());
  const test = new TestRelay(relay, redis, log, (command) => publisher.sendCommand(command), disposables);
  await test.ready();
  return test;
}
