import { eventually } from "../../../../../tests/support/eventually.ts";
import {
  type RedisServer,
  type RedisServerOptions,
  startRedis,
} from "../../../../../tests/support/redis-server.ts";
import { systemClock } from "../../clock.ts";
import { type LogUnderTest, WIDE } from "../log-contract/under-test.ts";
import { RedisBroker, type RedisBrokerOptions } from "../redis.ts";
import { type LogBounds, type LogPosition, LOG_CHANNEL } from "../update-log.ts";
import { createClient } from "@redis/client";
import { logKey } from "./redis-log.ts";
import { RedisShell } from "./redis-shell.ts";

/** A broker with history on a Redis of its own. */
export interface LogBench extends LogUnderTest {
  readonly redis: RedisServer;
  readonly broker: RedisBroker;
  readonly shell: RedisShell;
}

/** Starts a Redis and a broker with history, and resolves when the broker is healthy. */
export async function startLog(
  bounds: Partial<LogBounds> = {},
  server: RedisServerOptions = {},
): Promise<LogBench> {
  const cleanup = new AsyncDisposableStack();
  try {
    const redis = cleanup.use(await startRedis(server));
    const broker = brokerOn(redis.url, { history: { ...WIDE, ...bounds } });
    cleanup.defer(() => broker.close());
    await eventually("the broker is healthy", () => broker.health.ok);
    const shell = cleanup.use(await RedisShell.open(redis.url));
    const { log } = broker;
    if (log === null) throw new Error("history is on and there is no log");
    return {
      redis,
      broker,
      shell,
      log,
      async subscribe(handler) {
        const subscriber = createClient({ url: redis.url });
        subscriber.on("error", () => {});
        await subscriber.connect();
        cleanup.defer(() => subscriber.destroy());
        await subscriber.subscribe(LOG_CHANNEL, handler, true);
      },
      async forget(target) {
        await shell.run("DEL", logKey(target));
      },
      [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
    };
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
}

/** A started broker; the caller closes it. */
export function brokerOn(url: string, options: Partial<RedisBrokerOptions> = {}): RedisBroker {
  const broker = new RedisBroker({
    url,
    subscriptions: new Map([["updates", () => {}]]),
    probeIntervalMs: 100,
    timeoutMs: 3_000,
    relayId: "test",
    clock: systemClock,
    random: Math.random,
    ...options,
  });
  broker.start();
  return broker;
}

/** Publishes an update as a worker does. `more` are further members of it as text. */
export async function publish(shell: RedisShell, target: string, more = ""): Promise<LogPosition> {
  const update = `{"target_user_id":${JSON.stringify(target)},"type":"t","payload":null${more}}`;
  const [epoch = "", n] = String(
    await shell.run("FCALL", "tidings_publish", "1", logKey(target), update),
  ).split(".");
  return { epoch, n: Number(n) };
}
