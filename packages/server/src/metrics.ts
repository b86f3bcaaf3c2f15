import { type CloseName, closeCodes, type UpdateFault } from "@tidings/protocol";
import { Counter, Gauge, Histogram, Registry } from "@prometheus-io/client";
import type { Exposition, MetricSnapshot } from "./http/relay-report.ts";
import { describeHistory, type HistorySources } from "./history-metrics.ts";
import { RecentMax } from "./recent-max.ts";
import { readCounter, readCounters, readGauge } from "./metric-readers.ts";
import type { ClientCounters } from "./websocket/client-counters.ts";
import type { InboundResult } from "./websocket/read-pump.ts";
import type { HandshakeResult } from "./websocket/door.ts";

/** What the path from broker to socket counts: plain numbers, since it runs for every update. */
export interface DeliveryCounters extends ClientCounters {
  /** Updates that went to at least one client. */
  delivered: number;
  /** Valid updates whose users have no client on this relay. */
  noConnection: number;
  /** Clients that updates were handed to: one update for three tabs counts three. */
  deliveries: number;
  /** Updates that were refused, by reason. */
  readonly malformed: Map<UpdateFault, number>;
  /** Clients that were closed because too much waited for all together. */
  shed: number;
  /** Bytes that wait now for clients whose network takes no more. */
  outboxBytes: () => number;
}

/** Counters that stand at nothing. */
export function newCounters(): DeliveryCounters {
  return {
    delivered: 0,
    noConnection: 0,
    deliveries: 0,
    malformed: new Map(),
    framesSent: 0,
    bytesSent: 0,
    framesDropped: 0,
    outboxHighWater: 0,
    shed: 0,
    outboxBytes: () => 0,
  };
}

/** What the metrics read when they are scraped, so that they need not be told of every change. */
export interface MetricSources {
  readonly counters: DeliveryCounters;
  readonly connections: () => number;
  readonly users: () => number;
  readonly isBrokerUp: () => boolean;
  readonly revocations: () => number;
  readonly version: string;
  readonly droppedLogLines: () => number;
  /** Null where the relay keeps no history. */
  readonly history: HistorySources | null;
}

const LAG_BUCKETS: number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const DELAY_BUCKETS: number[] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LIFETIME_BUCKETS: number[] = [1, 10, 60, 300, 1_800, 3_600, 21_600, 86_400];

/** A minute of looks at the event loop. */
const STALL_OBSERVATIONS = 600;

/** All metrics of one relay, in a registry of its own. No label holds a value from outside, so none can explode. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #handshakes = new Map<HandshakeResult, number>();
  readonly #messages: Counter<"result">;
  readonly #closes: Counter<"code">;
  readonly #lag: Histogram;
  readonly #lifetime: Histogram;
  readonly #loopDelay: Histogram;
  readonly #stalls = new RecentMax(STALL_OBSERVATIONS);
  readonly #brokerLosses: Counter;
  readonly #resubscriptions: Counter;
  readonly #handlerErrors: Counter;

  constructor(sources: MetricSources) {
    const { counters } = sources;
    readGauge(this.#registry, "tidings_connections", "Connections open now.", sources.connections);
    readGauge(this.#registry, "tidings_users", "Users with at least one connection now.", sources.users);
    readGauge(
      this.#registry,
      "tidings_broker_up",
      "1 while updates are proved to arrive, else 0.",
      () => (sources.isBrokerUp() ? 1 : 0),
      "min",
    );
    readGauge(
      this.#registry,
      "tidings_revocations",
      "Revocations of tokens in force.",
      sources.revocations,
      "max",
    );
    readCounters(
      this.#registry,
      "tidings_updates_total",
      "Updates from the broker: delivered to somebody, to nobody here, or malformed by reason.",
      "result",
      () => updateResults(counters),
    );
    readCounter(
      this.#registry,
      "tidings_deliveries_total",
      "Clients that updates were handed to.",
      () => counters.deliveries,
    );
    readCounter(
      this.#registry,
      "tidings_frames_sent_total",
      "Frames written to sockets.",
      () => counters.framesSent,
    );
    readCounter(
      this.#registry,
      "tidings_sent_bytes_total",
      "Bytes of those frames.",
      () => counters.bytesSent,
    );
    readCounter(
      this.#registry,
      "tidings_frames_dropped_total",
      "Frames that were still waiting when their connection closed.",
      () => counters.framesDropped,
    );
    readGauge(
      this.#registry,
      "tidings_outbox_high_water_bytes",
      "Most bytes that ever waited for one connection.",
      () => counters.outboxHighWater,
      "max",
    );
    readGauge(
      this.#registry,
      "tidings_outbox_bytes",
      "Bytes that wait now for connections whose network takes no more.",
      () => counters.outboxBytes(),
    );
    readCounter(
      this.#registry,
      "tidings_clients_shed_total",
      "Connections closed because too much waited for all together.",
      () => counters.shed,
    );
    readGauge(
      this.#registry,
      "tidings_event_loop_stall_seconds",
      "Longest delay of the event loop in the last one to two minutes.",
      () => this.#stalls.longest / 1_000,
      "max",
    );
    readCounter(
      this.#registry,
      "tidings_log_lines_dropped_total",
      "Lines of the log that nobody took.",
      sources.droppedLogLines,
    );
    readGauge(this.#registry, "process_resident_memory_bytes", "Resident memory in bytes.", () =>
      process.memoryUsage.rss(),
    );
    readCounter(
      this.#registry,
      "process_cpu_seconds_total",
      "Processor time in seconds, user and system.",
      () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      },
    );
    this.#describeBuild(sources.version);
    if (sources.history !== null) describeHistory(this.#registry, sources.history);
    readCounters(
      this.#registry,
      "tidings_handshakes_total",
      "Handshakes on /ws and /v1/stream by result.",
      "result",
      () => this.#handshakes,
    );
    this.#messages = this.#counter("tidings_messages_total", "Messages from clients by result.", "result");
    this.#closes = this.#counter(
      "tidings_closes_total",
      'Connections that ended, by the relay\'s close code; "client" ended it, or broke the WebSocket "protocol".',
      "code",
    );
    this.#lag = this.#histogram(
      "tidings_broker_lag_seconds",
      "Time of a probe through publish and subscription.",
      LAG_BUCKETS,
    );
    this.#lifetime = this.#histogram(
      "tidings_connection_lifetime_seconds",
      "How long connections lived.",
      LIFETIME_BUCKETS,
    );
    this.#loopDelay = this.#histogram(
      "tidings_event_loop_delay_seconds",
      "By how much the event loop was late, looked at ten times a second.",
      DELAY_BUCKETS,
    );
    this.#brokerLosses = this.#counter(
      "tidings_broker_connections_lost_total",
      "Connections to the broker that were lost or given up.",
    );
    this.#resubscriptions = this.#counter(
      "tidings_broker_resubscriptions_total",
      "Subscriptions that stand again after they were lost: updates published meanwhile were missed.",
    );
    this.#handlerErrors = this.#counter(
      "tidings_handler_errors_total",
      "Faults of the relay while it handled a message of the broker.",
    );
  }

  /** Counts a handshake. */
  handshake(result: HandshakeResult): void {
    this.#handshakes.set(result, (this.#handshakes.get(result) ?? 0) + 1);
  }

  /** Counts a message from a client. */
  message(result: InboundResult): void {
    this.#messages.inc({ result });
  }

  /**
   * Counts the end of a connection that lived for `lifetimeMs`: by a row of the table, by the client, or by Bun because the
   * client broke the WebSocket protocol.
   */
  closed(by: CloseName | "client" | "protocol", lifetimeMs: number): void {
    const code = by === "client" || by === "protocol" ? by : String(closeCodes[by].code);
    this.#closes.inc({ code });
    this.#lifetime.observe(lifetimeMs / 1_000);
  }

  /** Notes how long a probe took. */
  lag(milliseconds: number): void {
    this.#lag.observe(milliseconds / 1_000);
  }

  /** Notes by how much the event loop was late. */
  loopDelay(milliseconds: number): void {
    this.#loopDelay.observe(milliseconds / 1_000);
    this.#stalls.add(milliseconds);
  }

  /** Counts a lost connection to the broker. */
  brokerLost(): void {
    this.#brokerLosses.inc();
  }

  /** Counts a subscription that was lost and stands again. */
  resubscribed(): void {
    this.#resubscriptions.inc();
  }

  /** Counts a fault in a handler of the broker's messages. */
  handlerError(): void {
    this.#handlerErrors.inc();
  }

  /** Everything in Prometheus's text format, and its media type. */
  async expose(): Promise<Exposition> {
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  /** Everything as values, to be joined with those of other processes. */
  snapshot(): Promise<MetricSnapshot> {
    return this.#registry.getMetricsAsJSON();
  }

  #counter<T extends string>(name: string, help: string, ...labelNames: T[]): Counter<T> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] });
  }

  #describeBuild(version: string): void {
    const build = new Gauge({
      name: "tidings_build_info",
      help: "1, labelled with the versions of the relay and of its runtime.",
      labelNames: ["version", "bun"],
      aggregator: "first",
      registers: [this.#registry],
    });
    build.set({ version, bun: Bun.version }, 1);
  }
}

function* updateResults(counters: DeliveryCounters): Iterable<readonly [string, number]> {
  yield ["delivered", counters.delivered];
  yield ["no_connection", counters.noConnection];
  for (const [fault, count] of counters.malformed) yield [`malformed_${fault}`, count];
}
