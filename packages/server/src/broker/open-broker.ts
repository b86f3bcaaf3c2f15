import type { Clock, Random } from "../clock.ts";
import type { Broker, BrokerEvents, Subscriptions } from "./broker.ts";
import { EmbeddedBroker } from "./embedded/embedded-broker.ts";
import { startRespServer } from "./embedded/resp-server.ts";
import type { Pacing } from "./read-pacer.ts";
import { RedisBroker, type SentinelNames } from "./redis.ts";
import type { LogBounds } from "./update-log.ts";

/** Which broker, and what it works with. */
export interface OpenBrokerOptions {
  readonly kind: "redis" | "embedded";
  readonly subscriptions: Subscriptions;
  readonly events: BrokerEvents;
  readonly relayId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly redisUrl: string;
  /** Sentinels that know where the Redis of the URL is; none where it is null or absent. */
  readonly sentinels?: SentinelNames | null;
  readonly probeIntervalMs: number;
  readonly timeoutMs: number;
  /** How reads are paced while many messages come. */
  readonly pacing: Pacing;
  readonly embeddedPort: number;
  /** Keeps logs within these bounds; none where it is null or absent. */
  readonly history?: LogBounds | null;
  /** The channel of plain `PUBLISH`. */
  readonly channel?: string;
}

/** A broker, and the loopback port of the embedded one. */
export interface OpenedBroker {
  readonly broker: Broker;
  readonly embeddedPort: number | null;
  close(): Promise<void>;
}

/**
 * Makes the broker of a relay; the caller starts it.
 * @throws {Error} where the embedded broker's port cannot be listened on.
 */
export function openBroker(options: OpenBrokerOptions): OpenedBroker {
  const { subscriptions, events, clock, random, history = null } = options;
  if (options.kind === "redis") {
    const { redisUrl: url, sentinels = null, probeIntervalMs, timeoutMs, relayId, channel, pacing } = options;
    const broker = new RedisBroker({
      url,
      sentinels,
      subscriptions,
      events,
      probeIntervalMs,
      timeoutMs,
      pacing,
      relayId,
      clock,
      random,
      history,
      ...(channel === undefined ? {} : { channel }),
    });
    return { broker, embeddedPort: null, close: () => broker.close() };
  }
  const broker = new EmbeddedBroker({
    subscriptions,
    events,
    clock,
    random,
    ...(history === null ? {} : { history }),
  });
  const { channels, store } = broker;
  const server = startRespServer({ port: options.embeddedPort, channels, store, clock });
  return {
    broker,
    embeddedPort: server.port,
    async close() {
      server.stop();
      await broker.close();
    },
  };
}
