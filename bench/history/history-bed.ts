import { startRedis } from "../../tests/support/redis-server.ts";
import { LOAD_CORE, SERVER_CORE } from "../cores.ts";
import { pinProcess } from "../load/child.ts";
import { Load } from "../load/load.ts";
import { Publisher, type StreamOptions } from "../load/publisher.ts";
import { invalid, perUnit, type Void } from "../measured.ts";
import { processCost, type ProcessorTime } from "../process-cost.ts";
import { type ServerProcess, startRelayProcess } from "../server-process.ts";
import { runStream, type StreamParts } from "../stream-run.ts";
import type { HistorySystem } from "./systems.ts";

const MICRO = 1e6;
/** How long a relay that lags may take to finish after the last update. */
const SETTLE_MS = 100;
/** Fewer updates than this take Redis less than what it does anyway varies by. */
const FEW_UPDATES = 100;

/** What one run gave. */
export interface StreamFigures {
  readonly ok: true;
  /** Microseconds of the relay's processor time for each delivery, or for each update that nobody here gets. */
  readonly relay: number;
  /** The part of it that was not spent in the kernel. */
  readonly relayUser: number;
  /** Microseconds of Redis' processor time for each update; null where too few were published to tell. */
  readonly redis: number | null;
  /** Milliseconds from publish to receipt; null where nobody receives. */
  readonly p50: number | null;
  readonly p99: number | null;
  readonly loadShare: number;
}

/** Processor time a second that relay and Redis use while nothing is published. */
interface Idle {
  readonly server: ProcessorTime;
  readonly redis: number;
}

/** One system with its Redis, its load and its publisher, and the relay that appends in its stead where there is one. */
export class HistoryBed implements AsyncDisposable {
  readonly system: HistorySystem;
  readonly server: ServerProcess;
  readonly redisPort: number;
  readonly redisPid: number;
  readonly #parts: StreamParts;
  readonly #disposables: AsyncDisposableStack;
  #idle: Idle = { server: { user: 0, total: 0 }, redis: 0 };

  private constructor(system: HistorySystem, parts: StreamParts, disposables: AsyncDisposableStack) {
    this.system = system;
    this.server = parts.server;
    this.redisPort = parts.redis.port;
    this.redisPid = parts.redis.pid;
    this.#parts = parts;
    this.#disposables = disposables;
  }

  static async start(system: HistorySystem): Promise<HistoryBed> {
    await using parts = new AsyncDisposableStack();
    const redis = parts.use(await startRedis());
    pinProcess(redis.pid, LOAD_CORE);
    const environment = { TIDINGS_HISTORY: String(system.hasHistory), TIDINGS_LOG_LEVEL: "warn" };
    const relay = { redisPort: redis.port, environment };
    const besides: number[] = [];
    // The relay that comes first gets the lease.
    if (system.hasStandIn) {
      besides.push(parts.use(await startRelayProcess({ ...relay, core: LOAD_CORE })).pid);
    }
    const server = parts.use(await startRelayProcess({ ...relay, core: SERVER_CORE }));
    const load = parts.use(new Load(LOAD_CORE));
    const publisher = parts.use(new Publisher(LOAD_CORE));
    await publisher.call("connect", redis.port);
    return new HistoryBed(system, { server, redis, load, publisher, besides }, parts.move());
  }

  /**
   * Opens plain `?user_id=` connections, one a user from the first on.
   * @throws {Error} where not all of them are let in.
   */
  async fill(count: number): Promise<void> {
    const { server, load } = this.#parts;
    const opened = await load.call("open", { port: server.port, count, firstUser: 1, users: count });
    if (opened.open !== count) throw new Error(`${opened.refused} of ${count} handshakes failed`);
  }

  /** Measures what is used while nothing is published, which is taken off what follows. Milliseconds a second. */
  async rest(seconds: number): Promise<{ readonly relay: number; readonly redis: number }> {
    const { pid } = this.server;
    const [before, redisBefore] = [processCost.cpu(pid), processCost.threadSeconds(this.redisPid)];
    await Bun.sleep(seconds * 1_000);
    const server = perUnit(before, processCost.cpu(pid), seconds);
    const redis = (processCost.threadSeconds(this.redisPid) - redisBefore) / seconds;
    this.#idle = { server, redis };
    return { relay: server.total * 1_000, redis: redis * 1_000 };
  }

  /** Publishes a stream in the system's way, and checks that every update went it. */
  async stream(options: StreamOptions, fanout: number, seconds: number): Promise<StreamFigures | Void> {
    const { hasHistory, by } = this.system;
    const ignoredBefore = await this.#ignored();
    const cost = await runStream(this.#parts, { ...options, by, fanout, seconds, settleMs: SETTLE_MS });
    if (!cost.ok) return cost;
    const { counted, published, withOffset, server, redisSeconds, wall, loadShare, latency } = cost;
    const ignored = (await this.#ignored()) - ignoredBefore;
    if (fanout === 0 && ignored !== published)
      return invalid(`the relay saw ${ignored} of ${published} updates`);
    if (withOffset !== (hasHistory ? published * fanout : 0))
      return invalid(`${withOffset} updates had an offset`);
    const role = await this.#wrongRole();
    if (role !== null) return invalid(role);
    const idle = this.#idle;
    return {
      ok: true,
      relay: ((server.total - idle.server.total * wall) / counted) * MICRO,
      relayUser: ((server.user - idle.server.user * wall) / counted) * MICRO,
      redis: published < FEW_UPDATES ? null : ((redisSeconds - idle.redis * wall) / published) * MICRO,
      p50: fanout === 0 ? null : latency.p50,
      p99: fanout === 0 ? null : latency.p99,
      loadShare,
    };
  }

  /** Updates that reached the relay and were for nobody here. */
  #ignored(): Promise<number> {
    return this.server.metric('tidings_updates_total{result="no_connection"}');
  }

  /** One sentence where the measured relay does not have the part in appending that the system gives it. */
  async #wrongRole(): Promise<string | null> {
    const { hasHistory, hasStandIn } = this.system;
    if (!hasHistory) return null;
    const isHolder = (await this.server.metric("tidings_ingest_lease_held")) === 1;
    if (isHolder !== hasStandIn) return null;
    return isHolder ? "the measured relay took the lease" : "the measured relay lost the lease";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposables.disposeAsync();
  }
}
