import { type CloseName, closeCodes, resumedFrame, resumeFaults, welcomeFrame } from "@tidings/protocol";
import type { Logger } from "pino";
import type { Authenticator, Identity } from "../auth/authenticator.ts";
import type { Revocable } from "../auth/revocation.ts";
import { REVOKED } from "../auth/revoked-clients.ts";
import type { Clock, Random } from "../clock.ts";
import type { Settings } from "../config/schema.ts";
import { connectionsWithin, openFileLimit } from "../file-limit.ts";
import { ClientAddressReader } from "../http/client-address.ts";
import { OriginPolicy } from "../http/origin.ts";
import type { History, HistoryAnswer } from "../history/history.ts";
import { capped } from "../log.ts";
import type { LogSampler } from "../log-sampler.ts";
import { memoryLimit, outboxBytesWithin } from "../memory-limit.ts";
import type { DeliveryCounters, Metrics } from "../metrics.ts";
import type { RelayClient } from "../relay-client.ts";
import { StreamClient, type StreamContext } from "../sse/stream-client.ts";
import { StreamEndpoint } from "../sse/stream-endpoint.ts";
import { Admission } from "./admission.ts";
import { Client, type ClientContext } from "./client.ts";
import { Door } from "./door.ts";
import { expiresIn, Expiry, tokenDeadline } from "./expiry.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Hub } from "./hub.ts";
import { OutboxBudget } from "./outbox-budget.ts";
import { ReadPump } from "./read-pump.ts";
import type { SocketEnd } from "./session.ts";
import { Upgrade } from "./upgrade.ts";
import { WriteQueue } from "./write-queue.ts";

/** What the connections of a relay work with. */
export interface ConnectionsOptions {
  readonly settings: Settings;
  readonly hub: Hub<RelayClient>;
  readonly counters: DeliveryCounters;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly sampler: LogSampler;
  readonly clock: Clock;
  readonly random: Random;
  readonly authenticator: Authenticator;
  /** Whether a token was revoked meanwhile. */
  readonly isRevoked: (token: Revocable) => boolean;
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

/** A proxy may cut a stream that says nothing for longer, in milliseconds. */
const LONGEST_STREAM_BEAT_MS = 15_000;

const newConnectionId = (): string => crypto.randomUUID();

/** Everything between a handshake and the hub: admission, clients, their heartbeat, expiry and pumps, wired together. */
export class Connections {
  readonly upgrade: Upgrade;
  readonly stream: StreamEndpoint;
  readonly #options: ConnectionsOptions;
  readonly #heartbeat: Heartbeat;
  readonly #streamBeat: Heartbeat;
  readonly #streamBeatMs: number;
  readonly #writes = new WriteQueue();
  readonly #budget: OutboxBudget;
  readonly #expiry: Expiry;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    const { settings, clock, random } = options;
    this.#expiry = new Expiry(clock);
    this.#budget = this.#makeBudget();
    this.#heartbeat = new Heartbeat({
      intervalMs: settings.heartbeat_interval,
      timeoutMs: settings.heartbeat_timeout,
      clock,
      random,
    });
    this.#streamBeatMs = Math.min(settings.heartbeat_interval, LONGEST_STREAM_BEAT_MS);
    // A stream answers nothing, so its verdict waits for nothing: it falls between two beats.
    this.#streamBeat = new Heartbeat({
      intervalMs: this.#streamBeatMs,
      timeoutMs: this.#streamBeatMs / 2,
      clock,
      random,
    });
    const door = this.#makeDoor();
    this.upgrade = this.#makeUpgrade(door, this.#makeContext());
    this.stream = this.#makeStreams(door, this.#makeStreamContext());
  }

  /** Stops the timers. The clients are the caller's to close. */
  stop(): void {
    this.#heartbeat.stop();
    this.#streamBeat.stop();
    this.#expiry.stop();
  }

  #makeBudget(): OutboxBudget {
    const { settings, counters, logger, sampler } = this.#options;
    const { total_buffer_bytes: total } = settings;
    const limitBytes = total === 0 ? outboxBytesWithin(memoryLimit()) : total;
    const budget = new OutboxBudget({
      limitBytes,
      writes: this.#writes,
      onShed: (clients) => {
        counters.shed += clients;
        sampler.note("shed", (more) =>
          logger.warn(
            { clients, limit: limitBytes, more },
            "too much waits for all clients: the worst were closed",
          ),
        );
      },
    });
    counters.outboxBytes = () => budget.waitingBytes;
    return budget;
  }

  #makeContext(): ClientContext {
    const { settings, hub, counters, clock, authenticator, metrics, publish } = this.#options;
    const readPump = new ReadPump({
      rate: { perSecond: settings.message_rate, burst: settings.message_burst },
      clock,
      authenticator,
      publish: settings.inbound ? publish : null,
      onRenewed: (client, identity) => this.#renew(client, identity),
      count: (result) => metrics.message(result),
      resume: (client, since, id) => this.#resume(client, since, id),
      maxBytes: settings.max_message_bytes,
    });
    return {
      hub,
      counters,
      readPump,
      heartbeat: this.#heartbeat,
      writes: this.#writes,
      bufferBytes: settings.client_buffer_bytes,
      budget: this.#budget,
      newConnectionId,
      onOpened: (client) => this.#opened(client),
      begin: (client) => this.#begin(client, settings.heartbeat_interval),
      onClosed: (client, end, by) => this.#closed(client, end, by),
    };
  }

  #makeStreamContext(): StreamContext {
    const { settings, hub, counters, clock, random } = this.#options;
    return {
      hub,
      counters,
      clock,
      random,
      heartbeat: this.#streamBeat,
      writes: this.#writes,
      bufferBytes: settings.client_buffer_bytes,
      budget: this.#budget,
      newConnectionId,
      onOpened: (client) => this.#opened(client),
      begin: (client) => this.#begin(client, this.#streamBeatMs),
      onClosed: (client, by) => {
        const code = by === null ? 1006 : closeCodes[by].code;
        this.#closed(client, { code, reason: "" }, by);
      },
    };
  }

  #makeDoor(): Door {
    const { settings, clock, metrics, logger, sampler, isDraining } = this.#options;
    const relayCap =
      settings.max_connections === 0 ? connectionsWithin(openFileLimit()) : settings.max_connections;
    return new Door({
      origins: new OriginPolicy(settings.allowed_origins),
      addresses: new ClientAddressReader(settings.trusted_proxies),
      admission: new Admission({ relay: relayCap, address: settings.max_connections_per_address }, clock),
      isDraining,
      hasRoom: (userId) => settings.user_limit_policy === "newest" || !this.#isFull(userId),
      count: (result) => metrics.handshake(result),
      onRefused: (result, address, detail) =>
        sampler.note(`refused ${result}`, (more) =>
          logger.info(
            { result, address: capped(address), detail: capped(detail), more },
            "connection refused",
          ),
        ),
    });
  }

  #makeUpgrade(door: Door, context: ClientContext): Upgrade {
    const { clock, metrics, authenticator, history } = this.#options;
    return new Upgrade({
      door,
      authenticator,
      history,
      openSession: (identity, release) => {
        const client = new Client(identity, context, release);
        client.expiresAt = tokenDeadline(identity.expiresAt, clock.wall());
        return client;
      },
      onRefusedClosed: (by) => metrics.closed(by, 0),
    });
  }

  #makeStreams(door: Door, context: StreamContext): StreamEndpoint {
    const { clock, authenticator, history } = this.#options;
    return new StreamEndpoint({
      door,
      authenticator,
      history,
      openStream: (identity, place, sink) => {
        const expiresAt = tokenDeadline(identity.expiresAt, clock.wall());
        return new StreamClient({ ...identity, expiresAt }, context, place, sink);
      },
    });
  }

  /** Whether a user has as many connections as one may have. */
  #isFull(userId: string): boolean {
    const { settings, hub } = this.#options;
    const cap = settings.max_connections_per_user;
    return cap > 0 && hub.clientsOf(userId).length >= cap;
  }

  #opened(client: RelayClient): void {
    const { clock, logger, hub } = this.#options;
    client.openedAt = clock.monotonic();
    // Only a connection that stands pushes out an older one: a handshake that fails must cost nobody theirs.
    if (this.#isFull(client.userId)) hub.clientsOf(client.userId)[0]?.close("replaced");
    this.#expiry.add(client, client.expiresAt);
    if (!logger.isLevelEnabled("debug")) return;
    const { connectionId: connection, address, speaksTidings: tidings } = client;
    logger.debug(
      { connection, user: capped(client.userId), address: capped(address), tidings },
      "connection opened",
    );
  }

  #begin(client: RelayClient, heartbeatMs: number): void {
    const { history, isRevoked } = this.#options;
    if (isRevoked(client)) {
      // Revoked between the judgement of its token and the opening of its connection.
      client.close("forbidden", { reason: REVOKED });
      return;
    }
    const { since } = client;
    if (history === null && !client.speaksTidings) return;
    const tell = (answer: HistoryAnswer): void =>
      client.sendSystem(this.#welcome(client, heartbeatMs, answer), answer.offset);
    if (history !== null) history.begin(client, since, tell);
    else tell(since === null ? {} : NO_HISTORY);
  }

  #resume(client: Client, since: string, id: string | undefined): void {
    const { history } = this.#options;
    if (history === null) client.sendSystem(resumedFrame(NO_HISTORY, id));
    else history.resume(client, since, (answer) => client.sendSystem(resumedFrame(answer, id)));
  }

  #welcome(client: RelayClient, heartbeatMs: number, answer: HistoryAnswer): string {
    const { settings, clock } = this.#options;
    return welcomeFrame({
      connection_id: client.connectionId,
      user_id: client.userId,
      expires_in_ms: expiresIn(client.expiresAt, clock.wall()),
      heartbeat: { interval_ms: heartbeatMs, timeout_ms: settings.heartbeat_timeout },
      limits: {
        max_message_bytes: settings.max_message_bytes,
        messages_per_second: settings.message_rate,
        message_burst: settings.message_burst,
      },
      ...answer,
    });
  }

  #renew(client: Client, { expiresAt, tokenId, issuedAt }: Identity): void {
    this.#expiry.remove(client, client.expiresAt);
    client.expiresAt = tokenDeadline(expiresAt, this.#options.clock.wall());
    client.tokenId = tokenId;
    client.issuedAt = issuedAt;
    this.#expiry.add(client, client.expiresAt);
  }

  #closed(client: RelayClient, end: SocketEnd, by: CloseName | null): void {
    const { clock, metrics, logger, history } = this.#options;
    this.#expiry.remove(client, client.expiresAt);
    if (client.feed !== null) history?.release(client.feed);
    const lifetime = clock.monotonic() - client.openedAt;
    metrics.closed(by ?? (isViolation(end) ? "protocol" : "client"), lifetime);
    if (!logger.isLevelEnabled("debug")) return;
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
