import { type RedisServer, startRedis } from "../tests/support/redis-server.ts";
import { LOAD_CORE, SERVER_CORE } from "./cores.ts";
import { Generator, type Opened, type Published, type Received } from "./generator/generator.ts";
import { type Audience, samplePayload, templateOf, tokenFor, userId } from "./generator/template.ts";
import { pinProcess } from "./load/child.ts";
import { processCost, type ProcessorTime } from "./process-cost.ts";
import { JWT_SECRET, type RunningSystem, startSystem } from "./systems/run-system.ts";
import type { System } from "./systems/system.ts";

/** How a bed is made. */
export interface BedOptions {
  readonly system: System;
  /** The program of the load generator. */
  readonly generator: string;
  readonly audience?: Audience;
  /** Bytes of each payload; 100 unless given. */
  readonly payloadBytes?: number;
}

/** What the operating system counted while something ran. */
export interface Usage {
  readonly system: ProcessorTime;
  /** Shares of the core that the load and Redis have to themselves. */
  readonly generatorShare: number;
  readonly loadShare: number;
  readonly wall: number;
}

const WARM_UP = 64;
const POLL_MS = 20;
/** A system that brings nothing for so long brings nothing more. */
const STALLED_MS = 2_500;
const MEMORY_SETTLED = 0.005;
const MEMORY_ROUNDS = 12;

/** One system with its Redis and its load, each a process of its own. */
export class Bed implements AsyncDisposable {
  readonly system: System;
  readonly generator: Generator;
  readonly redis: RedisServer;
  readonly #running: RunningSystem;
  readonly #disposables: AsyncDisposableStack;
  #emptyBytes = 0;
  #users = 0;

  private constructor(
    system: System,
    parts: { generator: Generator; redis: RedisServer; running: RunningSystem },
    disposables: AsyncDisposableStack,
  ) {
    this.system = system;
    this.generator = parts.generator;
    this.redis = parts.redis;
    this.#running = parts.running;
    this.#disposables = disposables;
  }

  /** Starts everything, and has a few clients come and go, so that what happens once is not counted. */
  static async start(options: BedOptions): Promise<Bed> {
    const { system, audience = "user", payloadBytes = 100 } = options;
    await using parts = new AsyncDisposableStack();
    // A subscriber that lags is what is measured: Redis is not to cut it off.
    const args = ["--client-output-buffer-limit", "pubsub", "0", "0", "0", "--tcp-backlog", "4096"];
    const redis = parts.use(await startRedis({ args }));
    pinProcess(redis.pid, LOAD_CORE);
    const running = parts.use(await startSystem(system, redis.port, SERVER_CORE));
    const generator = parts.use(await Generator.start(options.generator, LOAD_CORE));
    await generator.connect(redis.port);
    const { helloAfter = "", ready = "", ping = "", pong = "", hasLines = false } = system.dialect;
    const payload = samplePayload(payloadBytes);
    const names = {
      helloAfter,
      ready,
      ping,
      pong,
      lines: String(hasLines),
      broadcast: String(audience === "everyone"),
      expected: templateOf(system.received(audience, payload)),
      published: templateOf(await system.published(audience, payload)),
    };
    for (const [name, value] of Object.entries(names)) if (value !== "") await generator.set(name, value);
    const bed = new Bed(system, { generator, redis, running }, parts.move());
    await bed.#warmUp();
    return bed;
  }

  get port(): number {
    return this.#running.port;
  }

  get pid(): number {
    return this.#running.pid;
  }

  async #warmUp(): Promise<void> {
    await this.fill(WARM_UP);
    await this.generator.close();
    this.#users = 0;
    await Bun.sleep(300);
    this.#emptyBytes = this.residentBytes();
  }

  /** Opens connections, one a user from the first on, until there are `count`. */
  async fill(count: number): Promise<Opened> {
    const first = this.#users + 1;
    const more = Math.max(0, count - this.#users);
    const guests = Array.from({ length: more }, (_, index) => this.#guest(first + index));
    this.#users += more;
    const opened = await this.generator.open(this.port, first, guests);
    if (opened.open !== count) {
      throw new Error(`${opened.refused} of ${more} handshakes failed, ${opened.open} are open`);
    }
    return opened;
  }

  #guest(index: number): ReturnType<System["guest"]> {
    const user = userId(index);
    return this.system.guest(user, tokenFor(user, JWT_SECRET));
  }

  residentBytes(): number {
    return processCost.tree(this.pid).reduce((sum, pid) => sum + processCost.residentBytes(pid), 0);
  }

  /** Bytes of resident memory for each of `count` connections, once it stands still or after twelve seconds. */
  async memoryEach(count: number): Promise<number> {
    let last = this.residentBytes();
    for (let round = 0; round < MEMORY_ROUNDS; round += 1) {
      await Bun.sleep(1_000);
      const now = this.residentBytes();
      const isSettled = Math.abs(now - last) < last * MEMORY_SETTLED;
      last = now;
      if (isSettled) break;
    }
    return (last - this.#emptyBytes) / count;
  }

  /** Runs something, and tells what it took. */
  async measure<T>(run: () => Promise<T>): Promise<{ readonly value: T; readonly usage: Usage }> {
    const pids = { generator: this.generator.pid, redis: this.redis.pid };
    const before = {
      system: processCost.treeCpu(this.pid),
      generator: processCost.threadSeconds(pids.generator),
      redis: processCost.threadSeconds(pids.redis),
      at: performance.now(),
    };
    const value = await run();
    const wall = (performance.now() - before.at) / 1_000;
    const system = processCost.treeCpu(this.pid);
    const generator = processCost.threadSeconds(pids.generator) - before.generator;
    const redis = processCost.threadSeconds(pids.redis) - before.redis;
    return {
      value,
      usage: {
        system: { user: system.user - before.system.user, total: system.total - before.system.total },
        generatorShare: generator / wall,
        loadShare: (generator + redis) / wall,
        wall,
      },
    };
  }

  /** Resolves once so many updates came, or none comes any more. */
  async arrived(expected: number): Promise<void> {
    let seen = -1;
    let movedAt = performance.now();
    for (;;) {
      const { frames } = await this.generator.count();
      if (frames >= expected) return;
      const now = performance.now();
      if (frames !== seen) movedAt = now;
      else if (now - movedAt > STALLED_MS) return;
      seen = frames;
      await Bun.sleep(POLL_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposables.disposeAsync();
  }
}

/** One stream's two ends. */
export interface Ends {
  readonly published: Published;
  readonly received: Received;
}
