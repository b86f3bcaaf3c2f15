import {
  ackFrame,
  type ClientMessage,
  ClientMessageReader,
  errorFrame,
  pongFrame,
  RESERVED_TYPE_PREFIX,
} from "@tidings/protocol";
import type { Authenticator, Identity } from "../auth/authenticator.ts";
import { sliceText } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import type { Client } from "./client.ts";
import { expiresIn } from "./expiry.ts";
import { type BucketRate, TokenBucket } from "./token-bucket.ts";

/** What became of messages from clients, for the metrics. */
export type InboundResult =
  | "published"
  | "bad"
  | "refused"
  | "unavailable"
  | "over_rate"
  | "too_big"
  | "system";

/** What the read pump works with. */
export interface ReadPumpOptions {
  /** Largest message that is taken. */
  readonly maxBytes: number;
  readonly rate: BucketRate;
  readonly clock: Clock;
  readonly authenticator: Authenticator;
  /** Publishes a message for workers; null where the relay takes none. Rejects where it was not taken. */
  readonly publish: ((message: string) => Promise<void>) | null;
  /** Called when a client proved anew who it is. */
  readonly onRenewed: (client: Client, identity: Identity) => void;
  /** Called when a client wants to have what follows an offset. */
  readonly resume: (client: Client, since: string, id: string | undefined) => void;
  readonly count: (result: InboundResult) => void;
}

/** A resume counts as this many messages, since it has the relay read from the log. */
const RESUME_TOKENS = 10;

const PLAIN = /^[\w.:@ -]*$/;

/** Reads what clients send: checks it, holds each client to its rate, answers system frames, passes the rest to workers. */
export class ReadPump {
  readonly #options: ReadPumpOptions;
  readonly #reader = new ClientMessageReader(sliceText);
  /** The latest millisecond in which a message came, and how RFC 3339 writes it: many messages share one. */
  #millisecond = -1;
  #receivedAt = "";

  constructor(options: ReadPumpOptions) {
    this.#options = options;
  }

  /** Handles one message. Never throws; a client that breaks the protocol or its rate is closed. */
  receive(client: Client, message: string | Uint8Array): void {
    const { clock, rate, count, maxBytes } = this.#options;
    const now = clock.monotonic();
    client.bucket ??= new TokenBucket(rate, now);
    if (!client.bucket.take(now)) {
      this.#tooMany(client);
      return;
    }
    if (typeof message !== "string") {
      this.#refuse(client, "binary messages are not part of the protocol");
      return;
    }
    const bytes = Buffer.from(message);
    if (bytes.length > maxBytes) {
      count("too_big");
      client.close("too_big");
      return;
    }
    const read = this.#reader.read(bytes);
    if ("fault" in read) this.#refuse(client, read.fault);
    else if (read.type.startsWith(RESERVED_TYPE_PREFIX)) this.#answer(client, read);
    else this.#pass(client, read);
  }

  #refuse(client: Client, reason: string): void {
    this.#options.count("bad");
    client.close("bad_message", { reason });
  }

  #answer(client: Client, message: ClientMessage): void {
    this.#options.count("system");
    if (message.type === "tidings.ping") client.sendSystem(pongFrame(message.id));
    else if (message.type === "tidings.token") void this.#renew(client, message);
    else if (message.type === "tidings.resume") this.#resume(client, message);
    else {
      const text = `the relay does not know the type ${JSON.stringify(message.type)}`;
      client.sendSystem(errorFrame({ code: "unknown_type", message: text }, message.id));
    }
  }

  #resume(client: Client, message: ClientMessage): void {
    const since = memberOf(message, "since");
    const { clock, rate, resume } = this.#options;
    const more = Math.min(RESUME_TOKENS, rate.burst) - 1;
    if (since === undefined) this.#refuse(client, '"tidings.resume" needs a payload {"since": "…"}');
    else if (client.bucket?.take(clock.monotonic(), more) === false) this.#tooMany(client);
    else resume(client, since, message.id);
  }

  #tooMany(client: Client): void {
    const { rate, count } = this.#options;
    count("over_rate");
    client.close("too_many_messages", { retryAfterMs: Math.ceil(1_000 / rate.perSecond) });
  }

  /** Takes a new token on the open socket, so that a connection may outlive the token it began with. */
  async #renew(client: Client, message: ClientMessage): Promise<void> {
    const token = memberOf(message, "token");
    if (token === undefined) {
      this.#refuse(client, '"tidings.token" needs a payload {"token": "…"}');
      return;
    }
    const result = await this.#options.authenticator.verify(token);
    if (!client.isOpen) return;
    if (!result.ok && result.refusal.code === "unavailable") {
      client.sendSystem(errorFrame({ code: "unavailable", message: result.refusal.reason }, message.id));
      return;
    }
    if (!result.ok || result.identity.userId !== client.userId) {
      const reason = result.ok ? "the new token is for another user" : result.refusal.reason;
      const isRevoked = !result.ok && result.refusal.code === "revoked";
      const code = isRevoked ? "token_revoked" : "token_refused";
      client.sendSystem(errorFrame({ code, message: reason }, message.id));
      client.close(isRevoked ? "forbidden" : "token_refused", isRevoked ? { reason } : {});
      return;
    }
    const { onRenewed, clock } = this.#options;
    onRenewed(client, result.identity);
    if (message.id === undefined) return;
    // The lifetime of one token says nothing about the next: without it, a client could not renew in time again.
    client.sendSystem(ackFrame(message.id, { expires_in_ms: expiresIn(client.expiresAt, clock.wall()) }));
  }

  #pass(client: Client, message: ClientMessage): void {
    const { publish, count } = this.#options;
    if (publish === null) {
      count("refused");
      const text = "this relay takes no messages from clients (inbound is off)";
      client.sendSystem(errorFrame({ code: "inbound_off", message: text }, message.id));
      return;
    }
    publish(this.#envelope(client, message)).then(
      () => {
        count("published");
        if (message.id !== undefined) client.sendSystem(ackFrame(message.id));
      },
      () => {
        count("unavailable");
        const text = "the message could not be handed to the workers; send it again later";
        client.sendSystem(errorFrame({ code: "unavailable", message: text }, message.id));
      },
    );
  }

  /** The message for workers, with the payload exactly as the client wrote it. */
  #envelope(client: Client, message: ClientMessage): string {
    const userId = quoted(client.userId);
    const type = quoted(message.type);
    const now = this.#options.clock.wall();
    if (now !== this.#millisecond) {
      this.#millisecond = now;
      this.#receivedAt = new Date(now).toISOString();
    }
    return (
      `{"user_id":${userId},"connection_id":"${client.connectionId}","type":${type},` +
      `"payload":${message.payload},"received_at":"${this.#receivedAt}"}`
    );
  }
}

/** A text as JSON. Most hold nothing to escape, and to see that is cheaper. */
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** A text in a message's payload; undefined where the payload has none by that name. */
function memberOf(message: ClientMessage, name: string): string | undefined {
  const payload: unknown = JSON.parse(message.payload);
  if (typeof payload !== "object" || payload === null) return undefined;
  const value: unknown = Object.hasOwn(payload, name) ? Reflect.get(payload, name) : undefined;
  return typeof value === "string" ? value : undefined;
}
