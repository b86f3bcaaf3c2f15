import { type CloseName, closeCodes, resumedFrame, resumeFaults, welcomeFrame } from "@tidings/protocol";
import type { Logger } from "pino";
import type { Authenticator } from "../auth/authenticator.ts";
import type { Clock, Random } from "../clock.ts";
import type { Settings } from "../config/schema.ts";
import { connectionsWithin, openFileLimit } from "../file-limit.ts";
import { ClientAddressReader } from "../http/client-address.ts";
import { OriginPolicy } from "../http/origin.ts";
import type { History, HistoryAnswer } from "../history/history.ts";
import { capped } from "../log.ts";
import type { LogSampler } from "../log-sampler.ts";
import type { DeliveryCounters, Metrics } from "../metrics.ts";
import { Admission } from "./admission.ts";
import { Client, type ClientContext } from "./client.ts";
import { Expiry, tokenDeadline } from "./expiry.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Hub } from "./hub.ts";
import { ReadPump } from "./read-pump.ts";
import type { SocketEnd } from "./session.ts";
import { Upgrade } from "./upgrade.ts";
import { WriteQueue } from "./write-queue.ts";

/** What the connections of a relay work with. */
export interface ConnectionsOptions {
  readonly settings: Settings;
  readonly hub: Hub<Client>;
  readonly counters: DeliveryCounters;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly sampler: LogSampler;
  readonly clock: Clock;
  readonly random: Random;
  readonly authenticator: Authenticator;
  /** Null where the relay keeps none. */
  readonly history: History | null;
  /** Publishes a client's message for workers. */
  readonly publish: (message: string) => Promise<void>;
  readonly isDraining: () => boolean;
}

const NO_HISTORY = {
  recovered: false,
  following: 0,
  reason: "history_off",
  message: resumeFaults.history_off,
} as const;

/** Everything between a handshake and the hub: admission, clients, their heartbeat, expiry and pumps, wired together. */
export class Connections {
  readonly upgrade: Upgrade;
  readonly #options: ConnectionsOptions;
  readonly #heartbeat: Heartbeat;
  readonly #expiry: Expiry;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    const { settings, clock, random } = options;
    this.#expiry = new Expiry(clock);
    this.#heartbeat = new Heartbeat({
      intervalMs: settings.heartbeat_interval,
      timeoutMs: settings.heartbeat_timeout,
      clock,
      random,
    });
    this.upgrade = this.#makeUpgrade(this.#makeContext());
  }

  /** Stops the timers. The clients are the caller's to close. */
  stop(): void {
    this.#heartbeat.stop();
    this.#expiry.stop();
  }

  #makeContext(): ClientContext {
    const { settings, hub, counters, clock, authenticator, metrics, publish } = this.#options;
    const readPump = new ReadPump({
      rate: { perSecond: settings.message_rate, burst: settings.message_burst },
      clock,
      authenticator,
      publish: settings.inbound ? publish : null,
      onRenewed: (client, expiresAt) => this.#renew(client, expiresAt),
      count: (result) => metrics.message(result),
      resume: (client, since, id) => this.#resume(client, since, id),
      maxBytes: settings.max_message_bytes,
    });
    return {
      hub,
      counters,
      readPump,
      heartbeat: this.#heartbeat,
      writes: new WriteQueue(),
      bufferBytes: settings.client_buffer_bytes,
      onOpened: (client) => this.#opened(client),
      begin: (client) => this.#begin(client),
      onClosed: (client, end, by) => this.#closed(client, end, by),
    };
  }

  #makeUpgrade(context: ClientContext): Upgrade {
    const { settings, clock, metrics, logger, sampler, authenticator, isDraining } = this.#options;
    const relayCap =
      settings.max_connections === 0 ? connectionsWithin(openFileLimit()) : settings.max_connections;
    return new Upgrade({
      origins: new OriginPolicy(settings.allowed_origins),
      addresses: new ClientAddressReader(settings.trusted_proxies),
      admission: new Admission({ relay: relayCap, address: settings.max_connections_per_address }, clock),
      authenticator,
      history: this.#options.history,
      isDraining,
      hasRoom: (userId) => settings.user_limit_policy === "newest" || !this.#isFull(userId),
      openSession: (identity, release) => {
        const expiresAt = tokenDeadline(identity.expiresAt, clock.wall());
        return new Client({ ...identity, expiresAt }, context, release);
      },
      newConnectionId: () => crypto.randomUUID(),
      count: (result) => metrics.handshake(result),
      onRefusedClosed: (by) => metrics.closed(by, 0),
      onRefused: (result, address, detail) =>
        sampler.note(`refused ${result}`, (more) =>
          logger.info(
            { result, address: capped(address), detail: capped(detail), more },
            "connection refused",
          ),
        ),
    });
  }

  /** Whether a user has as many connections as one may have. */
  #isFull(userId: string): boolean {
    const { settings, hub } = this.#options;
    const cap = settings.max_connections_per_user;
    return cap > 0 && hub.clientsOf(userId).length >= cap;
  }

  #opened(client: Client): void {
    const { clock, logger, hub } = this.#options;
    client.openedAt = clock.monotonic();
    // Only a connection that stands pushes out an older one: a handshake that fails must cost nobody theirs.
    if (this.#isFull(client.userId)) hub.clientsOf(client.userId)[0]?.close("replaced");
    this.#expiry.add(client, client.expiresAt);
    const { connectionId: connection, address, speaksTidings: tidings } = client;
    logger.debug(
      { connection, user: capped(client.userId), address: capped(address), tidings },
      "connection opened",
    );
  }

  #begin(client: Client): void {
    const { history } = this.#options;
    const { since } = client;
    const tell = (answer: HistoryAnswer): void => client.sendSystem(this.#welcome(client, answer));
    if (history !== null) history.begin(client, since, tell);
    else tell(since === null ? {} : NO_HISTORY);
  }

  #resume(client: Client, since: string, id: string | undefined): void {
    const { history } = this.#options;
    if (history === null) client.sendSystem(resumedFrame(NO_HISTORY, id));
    else history.resume(client, since, (answer) => client.sendSystem(resumedFrame(answer, id)));
  }

  #welcome(client: Client, answer: HistoryAnswer): string {
    const { settings, clock } = this.#options;
    return welcomeFrame({
      connection_id: client.connectionId,
      user_id: client.userId,
      expires_in_ms: client.expiresAt === null ? null : Math.max(0, client.expiresAt - clock.wall()),
      heartbeat: { interval_ms: settings.heartbeat_interval, timeout_ms: settings.heartbeat_timeout },
      limits: {
        max_message_bytes: settings.max_message_bytes,
        messages_per_second: settings.message_rate,
        message_burst: settings.message_burst,
      },
      ...answer,
    });
  }

  #renew(client: Client, expiresAt: number | null): void {
    this.#expiry.remove(client, client.expiresAt);
    client.expiresAt = tokenDeadline(expiresAt, this.#options.clock.wall());
    this.#expiry.add(client, client.expiresAt);
  }

  #closed(client: Client, end: SocketEnd, by: CloseName | null): void {
    const { clock, metrics, logger, history } = this.#options;
    this.#expiry.remove(client, client.expiresAt);
    if (client.feed !== null) history?.release(client.feed);
    const lifetime = clock.monotonic() - client.openedAt;
    metrics.closed(by ?? (isViolation(end) ? "protocol" : "client"), lifetime);
    const reason = by === null ? `by the client ${end.reason}` : closeCodes[by].reason;
    logger.debug(
      {
        connection: client.connectionId,
        code: end.code,
        reason: capped(reason),
        lifetime_ms: Math.round(lifetime),
      },
      "connection closed",
    );
  }
}

/** Whether Bun closed the socket because the client broke RFC 6455: it then gives its reason, and 1006 as the code. */
function isViolation({ code, reason }: SocketEnd): boolean {
  return code === 1006 && reason !== "";
}
