import type { ClosingPayload, TokenAckPayload, WelcomePayload } from "@tidings/protocol";
import { addressOf } from "./address.ts";
import { type End, judge, type Verdict } from "./come-back.ts";
import { type Frame, readFrame } from "./frame.ts";
import type { Link } from "./link.ts";
import type { Platform } from "./platform.ts";
import { openSocket } from "./socket-link.ts";
import type { Transport } from "./status.ts";
import { type TokenSource, tokenOf } from "./token.ts";

/** How long the way to the welcome may take, with asking for the token, in milliseconds. */
const DIAL_MS = 10_000;

/** How long the relay may take to answer when there is reason to doubt the connection, in milliseconds. */
const PROBE_MS = 5_000;

/** How long before its end a token is replaced, at most, in milliseconds. */
const RENEW_BEFORE_MS = 60_000;

/** The id of a new token's frame; a message's has another form. */
const RENEWAL = "token";

const NO_ANSWER = "the relay does not answer";

/** What one attempt needs. */
export interface AttemptRequest {
  readonly url: URL;
  readonly token: TokenSource;
  readonly since: string | null;
  /** Whether to open server-sent events in place of a WebSocket. */
  readonly stream: boolean;
}

/** What an attempt tells, until its end. */
export interface AttemptEvents {
  welcome(payload: WelcomePayload, since: string | null, transport: Transport): void;
  frame(frame: Frame): void;
  /** The last word. `heard`: whether anything came from the relay, so that the way to it is open. */
  ended(verdict: Verdict, heard: boolean): void;
}

/** One connection, from asking for its token to its end. It never comes back: the line makes a new one. */
export class Attempt {
  readonly #platform: Platform;
  readonly #request: AttemptRequest;
  readonly #events: AttemptEvents;
  #link: Link | null = null;
  #closing: Partial<ClosingPayload> = {};
  #heartbeat: WelcomePayload["heartbeat"] | null = null;
  #isOver = false;
  /** Counts the signs of life. While the token is made the relay was not asked: its silence says nothing about the way. */
  #heard = 1;
  #heardAt: number;
  #cancelBeat: () => void;
  #cancelRenewal: () => void = () => {};

  constructor(platform: Platform, request: AttemptRequest, events: AttemptEvents) {
    this.#platform = platform;
    this.#request = request;
    this.#events = events;
    this.#heardAt = platform.now();
    this.#cancelBeat = platform.after(DIAL_MS, () => this.#lost(NO_ANSWER));
    void this.#dial();
  }

  /** Sends one frame, and returns false where there is no way up. */
  send(frame: Frame): boolean {
    return this.#heartbeat !== null && (this.#link?.send(JSON.stringify(frame)) ?? false);
  }

  /** Looks whether the connection still lives, since there is reason to doubt it. */
  probe(): void {
    const beat = this.#heartbeat;
    const quiet = this.#platform.now() - this.#heardAt;
    if (beat && this.#link?.transport === "websocket") this.#beat(0, Math.min(beat.timeout_ms, PROBE_MS));
    else if (quiet > (beat ? beat.interval_ms + beat.timeout_ms : DIAL_MS)) this.#lost(NO_ANSWER);
  }

  /** Closes it; no event follows. */
  close(): void {
    this.#isOver = true;
    this.#cancelBeat();
    this.#cancelRenewal();
    this.#link?.close();
  }

  async #dial(): Promise<void> {
    const { url, stream, since, token: source } = this.#request;
    try {
      const token = await tokenOf(source);
      this.#heard = 0;
      const open = stream ? (await import("./stream-link.ts")).openStream : openSocket;
      if (this.#isOver) return;
      const request = { url: addressOf(url, stream, since), token };
      this.#link = open(this.#platform, request, {
        heard: () => {
          this.#heard += 1;
          this.#heardAt = this.#platform.now();
        },
        message: (text) => this.#read(readFrame(text)),
        lost: (end) => this.#end(end),
      });
    } catch (error) {
      this.#lost(String(error));
    }
  }

  #read(frame: Frame | null): void {
    if (!frame || this.#isOver) return;
    const { type, id, payload } = frame;
    if (type === "tidings.closing") this.#closing = payload as ClosingPayload;
    else if (type === "tidings.welcome") this.#welcome(payload as WelcomePayload);
    else if (type === "tidings.ack" && id === RENEWAL)
      this.#renew((payload as TokenAckPayload | undefined)?.expires_in_ms);
    else if (type !== "tidings.pong") this.#events.frame(frame);
  }

  #welcome(payload: WelcomePayload): void {
    if (!this.#link) return;
    this.#heartbeat = payload.heartbeat;
    this.#beat();
    this.#renew(payload.expires_in_ms);
    this.#events.welcome(payload, this.#request.since, this.#link.transport);
  }

  /**
   * A page cannot see protocol pings: it asks itself, and takes an answer that stays out for a lost connection. A stream
   * cannot ask, but the relay sends signs of life.
   */
  #beat(
    wait: number = this.#heartbeat?.interval_ms ?? 0,
    patience: number = this.#heartbeat?.timeout_ms ?? 0,
  ): void {
    let heard = this.#heard;
    this.#cancelBeat();
    this.#cancelBeat = this.#platform.after(wait, () => {
      const before = this.#heard;
      if (this.send({ type: "tidings.ping" })) heard = before;
      this.#cancelBeat = this.#platform.after(patience, () => {
        if (heard === this.#heard) this.#lost(NO_ANSWER);
        else this.#beat();
      });
    });
  }

  /**
   * Replaces the token of the open connection before it runs out, which saves a break. The relay's answer says how long the
   * new one holds. Where none comes, 4401 will.
   */
  #renew(lifetime: number | null | undefined): void {
    const { token: source } = this.#request;
    if (!lifetime || typeof source !== "function" || this.#link?.transport !== "websocket") return;
    this.#cancelRenewal = this.#platform.after(lifetime - Math.min(RENEW_BEFORE_MS, lifetime / 5), () => {
      tokenOf(source)
        .then((token) => {
          if (token) this.send({ type: "tidings.token", id: RENEWAL, payload: { token } });
        })
        .catch(() => {});
    });
  }

  #lost(reason: string): void {
    this.#end({ code: 1006, reason });
  }

  #end(end: End): void {
    if (this.#isOver) return;
    this.close();
    this.#events.ended(judge(end, this.#closing), this.#heard > 0);
  }
}
