import { type ClosingPayload, SUBPROTOCOL, type WelcomePayload } from "@tidings/protocol";
import { Place } from "./place.ts";
import { asRecord } from "./received-frame.ts";

/** How the connection stands. Times are in milliseconds since 1970. */
export type ConnectionStatus =
  | { readonly kind: "connecting" }
  | { readonly kind: "live"; readonly connectionId: string }
  | { readonly kind: "offline"; readonly reason: string; readonly retryAt: number | null };

/** What a connection needs from the outside; tests own time and chance. */
export interface ConnectionParts {
  readonly url: string;
  /** Gets every text frame, system frames too, in order. */
  readonly onFrame: (text: string) => void;
  readonly onStatus: (status: ConnectionStatus) => void;
  readonly random?: () => number;
  readonly now?: () => number;
  readonly after?: (ms: number, run: () => void) => () => void;
}

const firstDelay = 500;
const longestDelay = 15_000;

/** How long to wait before an attempt, in milliseconds: exponential with jitter over the upper half. */
export function reconnectDelay(attempt: number, random: () => number): number {
  const ceiling = Math.min(longestDelay, firstDelay * 2 ** Math.min(attempt, 20));
  return ceiling * (0.5 + random() / 2);
}

/**
 * One user's connection to the relay, which comes back by itself for as long as the relay does not forbid
 * it. It begins with all updates that the relay holds, and comes back with those that it missed.
 */
export class RelayConnection {
  readonly #parts: Required<ConnectionParts>;
  readonly #place = new Place();
  #socket: WebSocket | null = null;
  #closing: Partial<ClosingPayload> = {};
  #attempt = 0;
  #isEnded = false;
  #cancelRetry: () => void = () => {};
  #cancelHeartbeat: () => void = () => {};

  constructor(parts: ConnectionParts) {
    this.#parts = { random: Math.random, now: Date.now, after: afterBy(setTimeout, clearTimeout), ...parts };
    this.#connect();
  }

  /** Sends one message; false where there is no live connection to send it on. */
  send(message: { readonly type: string; readonly payload?: unknown; readonly id?: string }): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /**
   * Tries at once instead of at the end of the delay. Does nothing while an attempt or a connection lives.
   */
  retryNow(): void {
    if (this.#isEnded || this.#socket !== null) return;
    this.#cancelRetry();
    this.#connect();
  }

  /** Ends it for good. */
  close(): void {
    this.#isEnded = true;
    this.#cancelRetry();
    this.#cancelHeartbeat();
    this.#socket?.close(1000);
    this.#socket = null;
  }

  #connect(): void {
    this.#parts.onStatus({ kind: "connecting" });
    this.#closing = {};
    const url = new URL(this.#parts.url);
    url.searchParams.set("since", this.#place.since);
    const socket = new WebSocket(url, [SUBPROTOCOL]);
    this.#socket = socket;
    socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (this.#socket !== socket || typeof data !== "string") return;
      this.#place.passed(data);
      if (data.includes('"tidings.')) this.#readSystemFrame(socket, data);
      this.#parts.onFrame(data);
    });
    socket.addEventListener("close", ({ reason, code }) => this.#lost(socket, reason, code));
  }

  #readSystemFrame(socket: WebSocket, text: string): void {
    const frame = asRecord(JSON.parse(text));
    const payload = asRecord(frame["payload"]);
    if (frame["type"] === "tidings.closing") this.#closing = payload;
    if (frame["type"] !== "tidings.welcome") return;
    const welcome = payload as Partial<WelcomePayload>;
    if (welcome.offset !== undefined) this.#place.stand(welcome.offset);
    this.#attempt = 0;
    this.#parts.onStatus({ kind: "live", connectionId: welcome.connection_id ?? "" });
    if (welcome.heartbeat !== undefined) this.#beat(socket, welcome.heartbeat);
  }

  /**
   * A browser cannot see protocol pings: it asks itself, and takes an answer that stays out for a lost
   * connection.
   */
  #beat(socket: WebSocket, { interval_ms, timeout_ms }: WelcomePayload["heartbeat"]): void {
    this.#cancelHeartbeat();
    let isHeard = false;
    const hear = (): void => void (isHeard = true);
    this.#cancelHeartbeat = this.#parts.after(interval_ms, () => {
      socket.addEventListener("message", hear, { once: true });
      this.send({ type: "tidings.ping" });
      this.#cancelHeartbeat = this.#parts.after(timeout_ms, () => {
        if (isHeard) return this.#beat(socket, { interval_ms, timeout_ms });
        socket.close(4000);
        this.#lost(socket, "the relay does not answer", 4000);
      });
    });
  }

  #lost(socket: WebSocket, closeReason: string, code: number): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#cancelHeartbeat();
    const { come_back, retry_after_ms, reason = closeReason } = this.#closing;
    const named = reason || (code === 1006 ? "the relay cannot be reached" : `closed with ${code}`);
    if (come_back === "never" || come_back === "new_token") {
      this.#parts.onStatus({ kind: "offline", reason: named, retryAt: null });
      return;
    }
    const delay = retry_after_ms ?? reconnectDelay(this.#attempt, this.#parts.random);
    this.#attempt += 1;
    this.#parts.onStatus({ kind: "offline", reason: named, retryAt: this.#parts.now() + delay });
    this.#cancelRetry = this.#parts.after(delay, () => this.#connect());
  }
}

function afterBy(
  set: typeof setTimeout,
  clear: typeof clearTimeout,
): (ms: number, run: () => void) => () => void {
  return (ms, run) => {
    const timer = set(run, ms);
    return () => clear(timer);
  };
}
