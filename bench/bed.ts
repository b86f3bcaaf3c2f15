import { type RedisServer, startRedis } from "../tests/support/redis-server.ts";
import { LOAD_CORE, SERVER_CORE } from "./cores.ts";
import { pinProcess } from "./load/child.ts";
import { Load } from "./load/load.ts";
import { Publisher, type StreamOptions } from "./load/publisher.ts";
import { invalid, type Measured, perUnit } from "./measured.ts";
import { processCost, type ProcessorTime } from "./process-cost.ts";
import { type ServerProcess, startFloorProcess, startRelayProcess } from "./server-process.ts";
import { runStream } from "./stream-run.ts";

/** Key of the tokens in the handshake workload. */
export const JWT_SECRET: string = "a-secret-for-the-bench-that-is-long-enough";

/** Memory counts as settled when it moved less than this share in a second. */
const SETTLED = 0.005;
const SETTLE_SECONDS = 12;
const ARRIVAL_TIMEOUT_MS = 10_000;
const CONNECT_SETTLE_MS = 500;
const MICRO = 1e6;

/** What is measured. */
export type System = "relay" | "floor";

/** One server with its Redis, its load and its publisher, each a process of its own. */
export class Bed implements AsyncDisposable {
  readonly #server: ServerProcess;
  readonly #redis: RedisServer;
  readonly #load: Load;
  readonly #publisher: Publisher;
  readonly #disposables: AsyncDisposableStack;
  /** Resident memory before any connection, all garbage collected. */
  #emptyBytes = 0;

  constructor(
    redis: RedisServer,
    server: ServerProcess,
    load: Load,
    publisher: Publisher,
    disposables: AsyncDisposableStack,
  ) {
    this.#redis = redis;
    this.#server = server;
    this.#load = load;
    this.#publisher = publisher;
    this.#disposables = disposables;
  }

  /** Starts a system with its usual settings and those of `more`. */
  static async start(system: System, more: Readonly<Record<string, string>> = {}): Promise<Bed> {
    await using parts = new AsyncDisposableStack();
    const redis = parts.use(await startRedis());
    pinProcess(redis.pid, LOAD_CORE);
    const startServer = system === "relay" ? startRelayProcess : startFloorProcess;
    const environment = { TIDINGS_JWT_SECRET: JWT_SECRET, TIDINGS_LOG_LEVEL: "warn", ...more };
    const server = parts.use(await startServer({ redisPort: redis.port, core: SERVER_CORE, environment }));
    const load = parts.use(new Load(LOAD_CORE));
    const publisher = parts.use(new Publisher(LOAD_CORE));
    await publisher.call("connect", redis.port);
    return new Bed(redis, server, load, publisher, parts.move());
  }

  /**
   * Opens `?user_id=` connections, one a user, plain ones unless they speak Tidings, and returns the bytes of resident
   * memory each added.
   */
  async fill(count: number, speaksTidings: boolean = false): Promise<Measured> {
    await this.#server.collect();
    const before = await this.#settledMemory();
    this.#emptyBytes = before;
    const opened = await this.#load.call("open", {
      port: this.#server.port,
      count,
      firstUser: 1,
      users: count,
      speaksTidings,
    });
    if (opened.open !== count) return invalid(`${opened.refused} of ${count} handshakes failed`);
    const after = await this.#settledMemory();
    return { ok: true, value: (after - before) / count };
  }

  /** Bytes of resident memory that each of `count` connections holds once all garbage is collected. */
  async heldMemory(count: number): Promise<Measured> {
    await this.#server.collect();
    return { ok: true, value: ((await this.#settledMemory()) - this.#emptyBytes) / count };
  }

  /** Seconds of processor time a second that the server uses while nothing is published. */
  async idleShare(seconds: number): Promise<ProcessorTime> {
    const before = processCost.cpu(this.#server.pid);
    await Bun.sleep(seconds * 1_000);
    return perUnit(before, processCost.cpu(this.#server.pid), seconds);
  }

  /**
   * Publishes a stream for some seconds, checks every update that should arrive, and returns the microseconds
   * of the server's processor time for each delivery (`fanout` an update), or for each update where nobody
   * should get it.
   */
  async stream(
    options: StreamOptions,
    fanout: number,
    seconds: number,
    idleShare: ProcessorTime,
  ): Promise<Measured> {
    const run = { ...options, fanout, seconds };
    const parts = { server: this.#server, redis: this.#redis, load: this.#load, publisher: this.#publisher };
    const cost = await runStream(parts, run);
    if (!cost.ok) return cost;
    const { server, wall, counted, loadShare, latency } = cost;
    const p99 = fanout === 0 ? "" : `, p99 ${latency.p99.toFixed(1)} ms`;
    return {
      ok: true,
      value: ((server.total - idleShare.total * wall) / counted) * MICRO,
      user: ((server.user - idleShare.user * wall) / counted) * MICRO,
      note: `load ${(loadShare * 100).toFixed(0)} %${p99}`,
    };
  }

  /** Opens `count` more connections, by token where asked, and returns microseconds of processor time for each. */
  async handshakes(count: number, withToken: boolean): Promise<Measured> {
    await using load = new Load(LOAD_CORE);
    const { port, pid } = this.#server;
    const open = { port, firstUser: 100_001, ...(withToken ? { secret: JWT_SECRET } : {}) };
    await load.call("open", { ...open, count: 1, users: 1 });
    const before = processCost.cpu(pid);
    const { refused } = await load.call("open", { ...open, count, users: count });
    const { user, total } = perUnit(before, processCost.cpu(pid), count);
    await load.call("leave", null);
    const deadline = performance.now() + ARRIVAL_TIMEOUT_MS;
    while ((await load.call("count", null)).open > 0 && performance.now() < deadline) await Bun.sleep(10);
    if (refused > 0) return invalid(`${refused} of ${count} handshakes failed`);
    return { ok: true, value: total * MICRO, user: user * MICRO };
  }

  /** Resident memory once it stands still, or after a while where it never does. */
  async #settledMemory(): Promise<number> {
    await Bun.sleep(CONNECT_SETTLE_MS);
    let last = processCost.residentBytes(this.#server.pid);
    for (let second = 0; second < SETTLE_SECONDS; second += 1) {
      await Bun.sleep(1_000);
      const now = processCost.residentBytes(this.#server.pid);
      if (Math.abs(now - last) < last * SETTLED) return now;
      last = now;
    }
    return last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposables.disposeAsync();
  }
}
