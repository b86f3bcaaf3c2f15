import type { CloseCode } from "./close-codes.ts";

/** Why a client does not get everything since the offset it named. */
export type ResumeFault = "trimmed" | "epoch_changed" | "ahead" | "too_many" | "malformed" | "history_off";

/** One sentence for the client's developer for each. */
export const resumeFaults: Readonly<Record<ResumeFault, string>> = {
  trimmed: "updates after the offset are older or more than the log holds",
  epoch_changed: "the log was lost since, or the offset is of another user",
  ahead: "the offset is beyond the newest update",
  too_many: "more updates follow the offset than one resume replays",
  malformed:
    '"since" must be "earliest", an offset, or the offsets of a user and of broadcasts, with a comma',
  history_off: "this relay keeps no history",
};

/** What came of a resume. */
export interface ResumeAnswer {
  /** True where everything since is about to follow, once and in order. */
  readonly recovered: boolean;
  /** How many updates follow before live ones do. */
  readonly following: number;
  readonly reason?: ResumeFault;
  readonly message?: string;
}

/** Why a client's place in a log and the next update it gets do not meet. */
export type GapReason = Exclude<ResumeFault, "malformed" | "history_off">;

/** A hole in what a client receives, told just before the update that follows it. */
export interface GapPayload {
  /**
   * As for a resume; or `malformed`: what the log holds at that place is no update; or `seq`: its producer's counter says
   * that updates never reached the log.
   */
  readonly reason: GapReason | "malformed" | "seq";
  readonly recovered: false;
  /** Whether the hole is in the log of broadcasts. */
  readonly broadcast: boolean;
  /** The offset before the hole. */
  readonly after: string;
  /** The offset of the next update that will be sent. */
  readonly next: string;
  readonly message: string;
  /** With `seq`: the producer, or null where it gave no name, and the first and last number missing. */
  readonly producer?: string | null;
  readonly from?: number;
  readonly to?: number;
}

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
  /**
   * With history: where the connection stands before what follows, an offset of the user and one of broadcasts with a
   * comma between them, to be given back as `since`. Absent where the log could not be asked.
   */
  readonly offset?: string;
  /** Where the client asked to resume: {@link ResumeAnswer}. */
  readonly recovered?: boolean;
  readonly following?: number;
  readonly reason?: ResumeFault;
  readonly message?: string;
}

/** The answer to `tidings.resume`: as in the welcome. */
export interface ResumedPayload extends ResumeAnswer {
  readonly offset?: string;
}

/** What went wrong, for the client's code (`code`) and for its developer (`message`). */
export interface ErrorPayload {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Stable codes of `tidings.error`. */
export type ErrorCode = "token_refused" | "token_revoked" | "inbound_off" | "unknown_type" | "unavailable";

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

/** `tidings.resumed`, the answer to `tidings.resume`, with its id where it had one, as text. */
export function resumedFrame(payload: ResumedPayload, id?: string): string {
  return JSON.stringify({ type: "tidings.resumed", id, payload });
}

/** `tidings.gap`, as text. */
export function gapFrame(payload: GapPayload): string {
  return JSON.stringify({ type: "tidings.gap", payload });
}

/** `tidings.error`, with the id of the message it answers where there was one, as text. */
export function errorFrame(payload: ErrorPayload, id?: string): string {
  return JSON.stringify({ type: "tidings.error", id, payload });
}

/** `tidings.closing`, as text. */
export function closingFrame(payload: ClosingPayload): string {
  return JSON.stringify({ type: "tidings.closing", payload });
}
