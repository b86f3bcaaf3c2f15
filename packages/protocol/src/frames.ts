import type { CloseCode } from "./close-codes.ts";

/** What a Tidings client is told first: who it is, and what the relay expects. */
export interface WelcomePayload {
  readonly connection_id: string;
  readonly user_id: string;
  /** How long the token still holds, in milliseconds; null where the connection does not expire. */
  readonly expires_in_ms: number | null;
  readonly heartbeat: {
    /** How often the relay pings, and how often a client should send `tidings.ping`, in milliseconds. */
    readonly interval_ms: number;
    /** How long after that an answer may take before the connection counts as lost, in milliseconds. */
    readonly timeout_ms: number;
  };
  readonly limits: {
    readonly max_message_bytes: number;
    readonly messages_per_second: number;
    readonly message_burst: number;
  };
}

/** What went wrong, for the client's code (`code`) and for its developer (`message`). */
export interface ErrorPayload {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Stable codes of `tidings.error`. */
export type ErrorCode = "token_refused" | "inbound_off" | "unknown_type" | "unavailable";

/** What a Tidings client is told just before the relay closes its connection. */
export interface ClosingPayload {
  readonly code: number;
  readonly reason: string;
  readonly come_back: CloseCode["comeBack"];
  /** How long to wait before coming back, in milliseconds; present where `come_back` is `later`, 0 where it is `now`. */
  readonly retry_after_ms?: number;
}

/** `tidings.welcome`, as text. */
export function welcomeFrame(payload: WelcomePayload): string {
  return JSON.stringify({ type: "tidings.welcome", payload });
}

/** `tidings.pong`, with the ping's id where it had one, as text. */
export function pongFrame(id?: string): string {
  return JSON.stringify({ type: "tidings.pong", id });
}

/** `tidings.ack`, the answer to a message that carried an id, as text. */
export function ackFrame(id: string): string {
  return JSON.stringify({ type: "tidings.ack", id });
}

/** `tidings.error`, with the id of the message it answers where there was one, as text. */
export function errorFrame(payload: ErrorPayload, id?: string): string {
  return JSON.stringify({ type: "tidings.error", id, payload });
}

/** `tidings.closing`, as text. */
export function closingFrame(payload: ClosingPayload): string {
  return JSON.stringify({ type: "tidings.closing", payload });
}
