import type { RedisServer } from "../tests/support/redis-server.ts";
import type { LatencySummary } from "./load/latency.ts";
import type { Load } from "./load/load.ts";
import type { Publisher, StreamOptions } from "./load/publisher.ts";
import { invalid, perUnit, type Void } from "./measured.ts";
import { processCost, type ProcessorTime } from "./process-cost.ts";
import type { ServerProcess } from "./server-process.ts";

/** Above this share of its core the load could have been the limit, and the run counts for nothing. */
const LOAD_LIMIT = 0.85;
const ARRIVAL_TIMEOUT_MS = 10_000;

/** What a stream runs through. */
export interface StreamParts {
  readonly server: ServerProcess;
  readonly redis: RedisServer;
  readonly load: Load;
  readonly publisher: Publisher;
  /** Process ids that share the core of load, publisher and Redis. */
  readonly besides?: readonly number[];
}

/** How a stream is run. */
export interface StreamRun extends StreamOptions {
  /** How many connections get each update. */
  readonly fanout: number;
  readonly seconds: number;
  /** How long to wait for work that nobody waits for, such as what is stored for users elsewhere. */
  readonly settleMs?: number;
}

/** What a stream took, of which every update was checked. */
export interface StreamCost {
  readonly ok: true;
  /** Deliveries, or updates where nobody should get them. */
  readonly counted: number;
  readonly published: number;
  /** Updates received that ended in an offset. */
  readonly withOffset: number;
  /** Seconds of processor time of the server and of Redis in the whole run, idle or not. */
  readonly server: ProcessorTime;
  readonly redisSeconds: number;
  /** Seconds that the run took. */
  readonly wall: number;
  /** Share of its core that the load used, with all that shares it. */
  readonly loadShare: number;
  readonly latency: LatencySummary;
}

/** Publishes a stream for some seconds and checks every update that should arrive. */
export async function runStream(parts: StreamParts, run: StreamRun): Promise<StreamCost | Void> {
  const { server, redis, load, publisher } = parts;
  const { fanout, seconds, settleMs = 0, ...options } = run;
  await load.call("mark", null);
  const { pid } = server;
  const [before, loadBefore] = [processCost.cpu(pid), loadSeconds(parts)];
  const [redisBefore, startedAt] = [processCost.threadSeconds(redis.pid), performance.now()];
  await publisher.call("start", options);
  await Bun.sleep(seconds * 1_000);
  const { published, confirmed, error } = await publisher.call("stop", null);
  const expected = published * fanout;
  const deadline = performance.now() + ARRIVAL_TIMEOUT_MS;
  while ((await load.call("count", null)).frames < expected && performance.now() < deadline) {
    await Bun.sleep(10);
  }
  if (settleMs > 0) await Bun.sleep(settleMs);
  const wall = (performance.now() - startedAt) / 1_000;
  const cost = perUnit(before, processCost.cpu(pid), 1);
  const redisSeconds = processCost.threadSeconds(redis.pid) - redisBefore;
  const loadShare = (loadSeconds(parts) - loadBefore) / wall;
  const { frames, withOffset, wrongUser, notRising, lost, latency } = await load.call("report", null);
  if (confirmed !== published) {
    return invalid(
      `Redis answered ${confirmed} of ${published} publishes${error === null ? "" : `: ${error}`}`,
    );
  }
  if (frames !== expected || wrongUser + notRising + lost > 0) {
    return invalid(
      `${frames} of ${expected} deliveries, ${wrongUser} to wrong users, ` +
        `${notRising} out of order, ${lost} lost`,
    );
  }
  if (loadShare > LOAD_LIMIT) return invalid(`the load used ${(loadShare * 100).toFixed(0)} % of its core`);
  const counted = expected === 0 ? published : expected;
  return { ok: true, counted, published, withOffset, server: cost, redisSeconds, wall, loadShare, latency };
}

/** Processor time of everything that shares the load's core, in seconds. */
function loadSeconds({ load, publisher, redis, besides = [] }: StreamParts): number {
  return [load.pid, publisher.pid, redis.pid, ...besides].reduce(
    (sum, pid) => sum + processCost.cpu(pid).total,
    0,
  );
}
