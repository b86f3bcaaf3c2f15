import { updateFaults } from "@tidings/protocol";
import type { HTMLBundle, Server } from "bun";
import type { Logger } from "pino";
import { createAuthenticator } from "./auth/create-authenticator.ts";
import { Revocations } from "./auth/revocations.ts";
import { brokerEvents } from "./broker-events.ts";
import type { BrokerHealth } from "./broker/broker.ts";
import { openBroker } from "./broker/open-broker.ts";
import { parseRedisUrl } from "./broker/redis-target.ts";
import { type Clock, type Random, systemClock } from "./clock.ts";
import { maskedUrl } from "./config/catalog.ts";
import type { Settings } from "./config/schema.ts";
import { drainClients } from "./drain.ts";
import { Fleet } from "./fleet.ts";
import { ApiKey } from "./http/api-key.ts";
import { listen } from "./http/listen.ts";
import { PublishEndpoint } from "./http/publish.ts";
import type { OwnReport, Speaker } from "./http/relay-report.ts";
import { RevocationsEndpoint } from "./http/revocations.ts";
import { ALL_PATHS, INNER_PATHS, OUTER_PATHS, Routes } from "./http/routes.ts";
import { localConnections } from "./local-connections.ts";
import { logBounds } from "./history/log-bounds.ts";
import { LogDelivery, logSubscriptions } from "./history/log-delivery.ts";
import { Ingest } from "./ingest.ts";
import { faultText } from "./log.ts";
import { LogSampler } from "./log-sampler.ts";
import { Metrics, newCounters } from "./metrics.ts";
import type { RelayClient } from "./relay-client.ts";
import { sentinelNames } from "./sentinel-names.ts";
import { UpdateIntake } from "./update-intake.ts";
import { watchDeliveries } from "./watch-deliveries.ts";
import { watchLoop } from "./watch-loop.ts";
import { Connections } from "./websocket/connections.ts";
import { Hub } from "./websocket/hub.ts";
import type { Session } from "./websocket/session.ts";

/** Pages served beside the routes, by path. */
type Pages = Readonly<Record<string, HTMLBundle | (() => Response)>>;

/** What a relay is made of. Everything but settings, logger and version has its usual value. */
export interface RelayOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly version: string;
  /** `embedded` is for development: updates live in this process alone. */
  readonly broker?: "redis" | "embedded";
  /** Makes the pages of a development relay, given the embedded broker's port where there is one. */
  readonly pages?: (embeddedPort: number | null) => Pages;
  readonly clock?: Clock;
  readonly random?: Random;
  /** How many lines of the log nobody took, for the metrics; none unless given. */
  readonly droppedLogLines?: () => number;
  /**
   * Makes this relay one of several processes that share its ports: what it says of itself over HTTP is what this makes of
   * it. Alone, it speaks for itself.
   */
  readonly speakFor?: Speaker;
  /** Fetches the key set of `jwks_url`. */
  readonly fetch?: (input: string, init?: RequestInit) => Promise<Response>;
}

/** A relay that runs. */
export interface Relay extends AsyncDisposable {
  readonly id: string;
  readonly port: number;
  readonly internalPort: number | null;
  /** The loopback port on which the embedded broker speaks the Redis protocol. */
  readonly embeddedPort: number | null;
  readonly hub: Hub<RelayClient>;
  readonly brokerHealth: () => BrokerHealth;
  /**
   * Leaves gracefully: refuses new connections, fails `/readyz`, closes every client with 1001 spread over the drain
   * window, and stops, at the drain's deadline at the latest. Calling it again returns the same promise.
   */
  drain(): Promise<void>;
  /** Stops at once. Idempotent. */
  stop(): Promise<void>;
}

/** Smallest limit for the body of a request: room for many updates. */
const BODY_BYTES = 8 * 1_048_576;

/** Room above the largest message in which the relay itself says that it is too big, before Bun cuts the connection. */
const MESSAGE_MARGIN_BYTES = 65_536;

/** How long the other relays have to answer a question about a user. */
const FLEET_TIMEOUT_MS = 1_000;

/**
 * Starts a relay: the composition root, the one place that knows every part. It listens when it returns; whether updates
 * arrive is a matter of `/readyz`.
 * @throws {Error} in one sentence where a port cannot be opened or a key cannot be used.
 */
export function startRelay(options: RelayOptions): Relay {
  const { settings, logger, clock = systemClock, random = Math.random } = options;
  const id = crypto.randomUUID();
  const sampler = new LogSampler(clock);
  const counters = newCounters();
  const hub = new Hub<RelayClient>();
  let isDraining = false;

  const authenticator = createAuthenticator({
    settings,
    clock,
    fetch: options.fetch ?? fetch,
    claimOnce: (key, ttlMs) => broker.claimOnce(key, ttlMs),
    objection: (identity) => revocations.objection(identity),
    onFault: (sentence) => sampler.note("auth", (more) => logger.error({ more }, sentence)),
  });
  const intake = new UpdateIntake({
    malformed: counters.malformed,
    maxBytes: settings.max_update_bytes,
    implicitBroadcast: settings.implicit_broadcast,
    onMalformed: (fault, bytes) =>
      sampler.note(fault, (more) =>
        logger.warn({ fault, bytes, more }, `malformed update dropped: ${updateFaults[fault]}`),
      ),
  });
  const fleet = new Fleet({
    relayId: id,
    clock,
    random,
    timeoutMs: FLEET_TIMEOUT_MS,
    local: localConnections(hub, (marks) => revocations.heard(marks)),
    onUnknown: () => sampler.note("control", (more) => logger.warn({ more }, "unreadable control message")),
  });
  const kept = { broker: () => broker, fleet, connections: hub };
  const revocations: Revocations = new Revocations({ ...kept, clock, logger, sampler });
  const opened = openBroker({
    kind: options.broker ?? "redis",
    subscriptions: new Map([
      ...fleet.subscriptions,
      ...(settings.history
        ? logSubscriptions(settings.channel, () => delivery)
        : [[settings.channel, new Ingest({ hub, counters, intake }).receive] as const]),
    ]),
    events: brokerEvents(
      logger,
      () => metrics,
      options.broker === "embedded" ? "embedded" : maskedUrl(settings.redis_url),
      () => delivery,
      () => revocations,
      sampler,
    ),
    history: settings.history ? logBounds(settings) : null,
    relayId: id,
    clock,
    random,
    redisUrl: settings.redis_url,
    sentinels: sentinelNames(settings),
    probeIntervalMs: settings.probe_interval,
    timeoutMs: settings.redis_timeout,
    pacing: {
      longestMs: settings.coalesce_window,
      isForSomebody: watchDeliveries(counters, () => delivery?.ingest.isHolder === true),
    },
    embeddedPort: settings.embedded_port,
    channel: settings.channel,
  });
  const { broker, embeddedPort } = opened;
  fleet.connect(broker);
  const onFault = (error: unknown): void =>
    logger.error({ error: faultText(error) }, "updates could not be read from the log");
  const delivery =
    broker.log === null
      ? null
      : new LogDelivery({
          settings,
          relayId: id,
          database: options.broker === "embedded" ? 0 : parseRedisUrl(settings.redis_url).database,
          broker,
          log: broker.log,
          hub,
          intake,
          counters,
          logger,
          sampler,
          clock,
          random,
          onFault,
        });
  const metrics = new Metrics({
    counters,
    connections: () => hub.connections,
    users: () => hub.users,
    isBrokerUp: () => broker.health.ok,
    revocations: () => revocations.size,
    version: options.version,
    droppedLogLines: options.droppedLogLines ?? (() => 0),
    history: delivery?.sources ?? null,
  });

  const connections = new Connections({
    settings,
    hub,
    counters,
    metrics,
    logger,
    sampler,
    clock,
    random,
    authenticator,
    isRevoked: (token) => revocations.covers(token),
    history: delivery?.history ?? null,
    publish: (message) => broker.post(settings.inbound_channel, message),
    isDraining: () => isDraining,
  });
  /** Plain `PUBLISH` arrives only where some relay appends it, and nobody is let in before it is known who is not to be. */
  const health = (): BrokerHealth => {
    const trouble = broker.health.ok ? (revocations.trouble ?? delivery?.ingest.trouble ?? null) : null;
    return trouble === null ? broker.health : { ok: false, reason: trouble };
  };
  const own: OwnReport = {
    health: async () => (isDraining ? { ok: false, reason: "The relay is shutting down." } : health()),
    metrics: () => metrics.expose(),
    snapshot: () => metrics.snapshot(),
  };
  const maxBodyBytes = Math.max(BODY_BYTES, settings.max_update_bytes * 2);
  const routes = new Routes({
    upgrade: connections.upgrade,
    stream: connections.stream,
    publish: new PublishEndpoint({
      broker,
      channel: settings.channel,
      maxUpdateBytes: settings.max_update_bytes,
      implicitBroadcast: settings.implicit_broadcast,
    }),
    fleet,
    revocations: new RevocationsEndpoint({ revocations, clock, defaultMs: settings.revocation_ttl }),
    log: broker.log,
    apiKey: new ApiKey(settings.api_key),
    report: options.speakFor?.(own) ?? own,
    maxBodyBytes,
  });
  const door = {
    host: settings.host,
    isShared: options.speakFor !== undefined,
    maxBodyBytes,
    onFault: (error: unknown) => logger.error({ error: faultText(error) }, "a request failed"),
  };
  const servers: Server<Session>[] = [];
  const stopWatching = watchLoop({
    clock,
    metrics,
    logger,
    sampler,
    clients: () => hub.clients,
    host: settings.host,
    port: () => servers[0]?.port ?? settings.port,
    maxMessageBytes: settings.max_message_bytes + MESSAGE_MARGIN_BYTES,
  });
  const { internal_port: internalPort } = settings;
  try {
    servers.push(
      listen({
        ...door,
        port: settings.port,
        paths: internalPort === undefined ? ALL_PATHS : OUTER_PATHS,
        route: internalPort === undefined ? routes.all : routes.outer,
        sockets: {
          maxMessageBytes: settings.max_message_bytes + MESSAGE_MARGIN_BYTES,
          maxBufferedBytes: settings.client_buffer_bytes + settings.max_update_bytes,
        },
        pages: options.pages?.(embeddedPort) ?? {},
      }),
    );
    if (internalPort !== undefined) {
      servers.push(
        listen({ ...door, port: internalPort, paths: INNER_PATHS, route: routes.inner, sockets: null }),
      );
    }
  } catch (error) {
    void release();
    throw error;
  }
  broker.start();
  delivery?.ingest.start();

  async function release(): Promise<void> {
    connections.stop();
    revocations.stop();
    delivery?.stop();
    stopWatching();
    await Promise.all([...servers.map((server) => server.stop(true)), opened.close()]);
  }

  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    isDraining = true;
    stopped ??= release();
    return stopped;
  };
  const leave = async (): Promise<void> => {
    isDraining = true;
    const { drain_window: windowMs, drain_deadline: deadlineMs } = settings;
    await Promise.all([
      drainClients(hub.clients, { windowMs, deadlineMs, clock, random }),
      delivery?.ingest.yield(),
    ]);
    await stop();
  };
  let left: Promise<void> | null = null;

  return {
    id,
    port: servers[0]?.port ?? settings.port,
    internalPort: servers[1]?.port ?? null,
    embeddedPort,
    hub,
    brokerHealth: health,
    drain: () => (left ??= leave()),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
