import { createClient } from "@redis/client";
import { SignJWT } from "jose";
import { type NginxServer, startNginx } from "../../deploy/nginx-server.ts";
import { type RunningProcess, startTidings, untilReady } from "../../support/process.ts";
import { freePort, type RedisServer, startRedis } from "../../support/redis-server.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const API_KEY = "an-api-key-of-the-test";

/** What a behaviour may say with a question. */
export interface Asked {
  readonly user?: string;
  readonly from?: number;
  readonly to?: number;
  readonly seconds?: number;
}

/** A message as a worker got it. */
interface Message {
  readonly user_id: string;
  readonly type: string;
  readonly payload: unknown;
}

type Command = (words: string[]) => Promise<unknown>;

/** What can be asked of the stage. */
export type Question = Exclude<keyof Stage, symbol>;

/** All that stands around the SDK: a relay as in production, its Redis, a worker, a proxy. Asked over HTTP by behaviours. */
export class Stage implements AsyncDisposable {
  readonly #redis: RedisServer;
  readonly #command: Command;
  readonly #proxy: NginxServer;
  readonly #port: number;
  readonly #disposables: AsyncDisposableStack;
  readonly #messages: Message[] = [];
  #process: RunningProcess | null = null;

  private constructor(
    redis: RedisServer,
    command: Command,
    proxy: NginxServer,
    port: number,
    disposables: AsyncDisposableStack,
  ) {
    this.#redis = redis;
    this.#command = command;
    this.#proxy = proxy;
    this.#port = port;
    this.#disposables = disposables;
  }

  /** Starts all of it; resolves when updates arrive. */
  static async start(): Promise<Stage> {
    const disposables = new AsyncDisposableStack();
    const redis = disposables.use(await startRedis());
    const port = await freePort();
    const proxy = disposables.use(await startNginx({ relays: [port], site: "plain" }));
    const worker = await createClient({ url: redis.url }).connect();
    disposables.defer(() => worker.destroy());
    const listener = await worker.duplicate().connect();
    disposables.defer(() => listener.destroy());
    const stage = new Stage(redis, (words) => worker.sendCommand(words), proxy, port, disposables);
    await listener.subscribe("inbound", (text) => void stage.#messages.push(JSON.parse(text) as Message));
    await stage.startRelay();
    return stage;
  }

  async relay(): Promise<string> {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The relay behind a real nginx that is told nothing of upgrades. */
  async narrowProxy(): Promise<string> {
    return `http://127.0.0.1:${this.#proxy.port}`;
  }

  async startRelay(): Promise<null> {
    this.#process = startTidings(["serve"], {
      TIDINGS_HOST: "127.0.0.1",
      TIDINGS_PORT: String(this.#port),
      TIDINGS_REDIS_URL: this.#redis.url,
      TIDINGS_HISTORY: "true",
      TIDINGS_JWT_SECRET: SECRET,
      TIDINGS_API_KEY: API_KEY,
      TIDINGS_ALLOWED_ORIGINS: "*",
    });
    await untilReady(this.#port);
    return null;
  }

  /** Kills it without a word to anybody. */
  async killRelay(): Promise<null> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = null;
    return null;
  }

  /** A token that holds for so many seconds, or ran out so many ago. */
  async token({ user = "", seconds = 0 }: Asked): Promise<string> {
    return new SignJWT({})
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(user)
      .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
      .sign(new TextEncoder().encode(SECRET));
  }

  /** Stores updates of type `step` whose payloads are numbers. */
  async publish({ user = "", from = 1, to = 1 }: Asked): Promise<null> {
    for (let payload = from; payload <= to; payload += 1) {
      const update = JSON.stringify({ target_user_id: user, type: "step", payload });
      await this.#command(["FCALL", "tidings_publish", "1", `tidings:{${user}}:log`, update]);
    }
    return null;
  }

  /** What workers got from a user. */
  async messages({ user }: Asked): Promise<readonly { readonly type: string; readonly payload: unknown }[]> {
    const theirs = this.#messages.filter(({ user_id: sender }) => sender === user);
    return theirs.map(({ type, payload }) => ({ type, payload }));
  }

  /** How many connections a user has. */
  async connections({ user = "" }: Asked): Promise<number> {
    const answer = (await (await this.#http(`/v1/users/${user}`, "GET")).json()) as { connections: number };
    return answer.connections;
  }

  /** Closes a user's connections as an operator does. */
  async sendAway({ user = "" }: Asked): Promise<null> {
    await this.#http(`/v1/users/${user}/connections`, "DELETE");
    return null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killRelay();
    await this.#disposables.disposeAsync();
  }

  async #http(path: string, method: string): Promise<Response> {
    return fetch((await this.relay()) + path, { method, headers: { authorization: `Bearer ${API_KEY}` } });
  }
}
