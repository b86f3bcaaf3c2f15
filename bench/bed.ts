import { type RedisServer, startRedis } from "../tests/support/redis-server.ts";
import { pinProcess } from "./load/child.ts";
import { Load } from "./load/load.ts";
import { Publisher, type StreamOptions } from "./load/publisher.ts";
import { processCost, type ProcessorTime } from "./process-cost.ts";
import { type ServerProcess, startFloorProcess, startRelayProcess } from "./server-process.ts";

/** The server's core, and the one that everything else shares. */
const SERVER_CORE = 0;
const LOAD_CORE = 1;

/** Above this share of its core the load could have been the limit, and the run counts for nothing. */
const LOAD_LIMIT = 0.85;

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

/** A number that came out of a run, or the sentence that says why it counts for nothing. */
export type Measured = Finding | Void;

/** A run that counts. */
export interface Finding {
  readonly ok: true;
  readonly value: number;
  /** The part of `value` spent in the program itself and not in the kernel, where that was measured. */
  readonly user?: number;
  readonly note?: string;
}

/** A run that counts for nothing. */
export interface Void {
  readonly ok: false;
  readonly reason: string;
}

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

  static async start(system: System): Promise<Bed> {
    await using parts = new AsyncDisposableStack();
    const redis = parts.use(await startRedis());
    pinProcess(redis.pid, LOAD_CORE);
    const startServer = system === "relay" ? startRelayProcess : startFloorProcess;
    const environment = { TIDINGS_JWT_SECRET: JWT_SECRET, TIDINGS_LOG_LEVEL: "warn" };
    const server = parts.use(await startServer({ redisPort: redis.port, core: SERVER_CORE, environment }));
    const load = parts.use(new Load(LOAD_CORE));
    const publisher = parts.use(new Publisher(LOAD_CORE));
    await publisher.call("connect", redis.port);
    return new Bed(redis, server, load, publisher, parts.move());
  }

  /** Opens plain `?user_id=` connections, one a user, and returns the bytes of resident memory each added. */
  async fill(count: number): Promise<Measured> {
    await this.#server.collect();
    const before = await this.#settledMemory();
    this.#emptyBytes = before;
    const opened = await this.#load.call("open", {
      port: this.#server.port,
      count,
      firstUser: 1,
      users: count,
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
    await this.#load.call("mark", null);
    const { pid } = this.#server;
    const [before, loadBefore, startedAt] = [processCost.cpu(pid), this.#loadSeconds(), performance.now()];
    await this.#publisher.call("start", options);
    await Bun.sleep(seconds * 1_000);
    const { published, confirmed } = await this.#publisher.call("stop", null);
    const expected = published * fanout;
    const deadline = performance.now() + ARRIVAL_TIMEOUT_MS;
    while ((await this.#load.call("count", null)).frames < expected && performance.now() < deadline) {
      await Bun.sleep(10);
    }
    const wall = (performance.now() - startedAt) / 1_000;
    const counted = expected === 0 ? published : expected;
    const cost = perUnit(before, processCost.cpu(pid), counted);
    const idle = wall / counted;
    const loadShare = (this.#loadSeconds() - loadBefore) / wall;
    const { frames, wrongUser, notRising, lost, latency } = await this.#load.call("report", null);
    if (confirmed !== published) return invalid(`Redis answered ${confirmed} of ${published} publishes`);
    if (frames !== expected || wrongUser + notRising + lost > 0) {
      return invalid(
        `${frames} of ${expected} deliveries, ${wrongUser} to wrong users, ` +
          `${notRising} out of order, ${lost} lost`,
      );
    }
    if (loadShare > LOAD_LIMIT) return invalid(`the load used ${(loadShare * 100).toFixed(0)} % of its core`);
    const p99 = fanout === 0 ? "" : `, p99 ${latency.p99.toFixed(1)} ms`;
    return {
      ok: true,
      value: (cost.total - idleShare.total * idle) * MICRO,
      user: (cost.user - idleShare.user * idle) * MICRO,
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

  /** Processor time of everything that shares the load's core, in seconds. */
  #loadSeconds(): number {
    const pids = [this.#load.pid, this.#publisher.pid, this.#redis.pid];
    return pids.reduce((sum, pid) => sum + processCost.cpu(pid).total, 0);
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

function perUnit(before: ProcessorTime, after: ProcessorTime, units: number): ProcessorTime {
  return { user: (after.user - before.user) / units, total: (after.total - before.total) / units };
}

function invalid(reason: string): Void {
  return { ok: false, reason };
}
