import { updateFaults } from "@tidings/protocol";
import type { Logger } from "pino";
import type { Broker, Subscriptions } from "../broker/broker.ts";
import { LOG_CHANNEL, type UpdateLog } from "../broker/update-log.ts";
import type { Clock, Random } from "../clock.ts";
import type { Settings } from "../config/schema.ts";
import type { HistorySources } from "../history-metrics.ts";
import type { LogSampler } from "../log-sampler.ts";
import type { DeliveryCounters } from "../metrics.ts";
import type { UpdateIntake } from "../update-intake.ts";
import type { Hub } from "../websocket/hub.ts";
import type { HistoryClient } from "./history-client.ts";
import { History, newHistoryCounters } from "./history.ts";
import { newIngestCounters } from "./ingest-counters.ts";
import { INGEST_CHANNEL } from "./ingest-word.ts";
import { LogIngest } from "./log-ingest.ts";

/** What delivery through the log works with. */
export interface LogDeliveryOptions {
  readonly settings: Settings;
  readonly relayId: string;
  /** The database in which the logs are. */
  readonly database: number;
  readonly broker: Broker;
  readonly log: UpdateLog;
  readonly hub: Hub<HistoryClient>;
  readonly intake: UpdateIntake;
  readonly counters: DeliveryCounters;
  readonly logger: Logger;
  readonly sampler: LogSampler;
  readonly clock: Clock;
  readonly random: Random;
  /** A fault that is not the broker's being away. */
  readonly onFault: (error: unknown) => void;
}

/** Half of what may pass until a loss that nothing else shows is found. */
const LONGEST_CHECK_MS = 30_000;

/** Both halves of delivery with history: what brings plain `PUBLISH` into the log, and what brings the log to clients. */
export class LogDelivery {
  readonly history: History;
  readonly ingest: LogIngest;
  /** What the metrics read. */
  readonly sources: HistorySources;

  constructor(options: LogDeliveryOptions) {
    const { settings, log, hub, broker, logger, sampler, clock, random } = options;
    const history = newHistoryCounters();
    const ingest = newIngestCounters();
    this.history = new History({
      log,
      hub,
      delivered: options.counters,
      counters: history,
      clock,
      random,
      maxBytes: settings.max_update_bytes,
      bufferBytes: settings.client_buffer_bytes,
      resumeLimit: settings.resume_limit,
      checkEveryMs: Math.min(LONGEST_CHECK_MS, settings.history_ttl / 3),
      onMalformed: (fault, bytes) =>
        sampler.note(`log ${fault}`, (more) =>
          logger.error(
            { fault, bytes, more },
            `the log holds something that is no update: ${updateFaults[fault]}`,
          ),
        ),
      onUnreadable: (bytes) =>
        sampler.note("notice", (more) =>
          logger.warn({ bytes, more }, `unreadable message on ${LOG_CHANNEL}`),
        ),
      onFault: options.onFault,
    });
    const { channel } = settings;
    this.ingest = new LogIngest({
      relayId: options.relayId,
      scope: { database: options.database, channel },
      log,
      publish: (messages) => broker.publish(messages),
      intake: options.intake,
      counters: ingest,
      clock,
      random,
      onHolder: (isHolder) =>
        logger.info(
          isHolder
            ? "this relay appends what PUBLISH brings"
            : "another relay may append what PUBLISH brings",
        ),
      onLoss: (kind, updates, reason) =>
        sampler.note(`ingest ${kind}`, (more) =>
          logger.error(
            { kind, updates, reason, more },
            "updates from PUBLISH did not certainly reach the log",
          ),
        ),
      onUnknown: () =>
        sampler.note("ingest", (more) => logger.warn({ more }, `unreadable message on ${INGEST_CHANNEL}`)),
      onOtherChannel: (other) =>
        sampler.note("other channel", (more) =>
          logger.error(
            { channel, other_channel: other, more },
            `relays of the channels ${JSON.stringify(channel)} and ${JSON.stringify(other)} share the logs of one Redis: ` +
              "each user gets the updates of both; give each environment a Redis of its own",
          ),
        ),
    });
    this.sources = {
      history,
      ingest,
      isHolder: () => this.ingest.isHolder,
      catchingUp: () =>
        hub.clients
          .values()
          .filter(({ catchUp }) => catchUp !== null)
          .toArray().length,
    };
  }

  /** Stops what runs by itself. Hand over with `ingest.yield()` first, where there is time. */
  stop(): void {
    this.history.stop();
    void this.ingest.yield();
  }
}

/**
 * The channels that delivery through the log needs, the one of updates among them. A broker is made with its channels and
 * delivery with its broker, so `delivery` is asked for when the first message comes.
 */
export function logSubscriptions(updates: string, delivery: () => LogDelivery | null): Subscriptions {
  return new Map([
    [updates, (message: Uint8Array) => delivery()?.ingest.receive(message)],
    [LOG_CHANNEL, (message: Uint8Array) => delivery()?.history.receive(message)],
    [INGEST_CHANNEL, (message: Uint8Array) => delivery()?.ingest.hear(message)],
  ]);
}
