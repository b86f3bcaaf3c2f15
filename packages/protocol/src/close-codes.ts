/**
 * Whether a client that was closed should come back:
 * - `now`: at once, the connection was good;
 * - `later`: after `retry_after_ms` of `tidings.closing`, or with backoff where that frame did not arrive;
 * - `new_token`: at once, with a token asked for afresh;
 * - `never`: not with the same request: somebody has to change something first.
 */
export type ComeBack = "now" | "later" | "new_token" | "never";

/** Why the relay closes a connection. */
export type CloseName =
  | "going_away"
  | "protocol_error"
  | "bad_text"
  | "policy"
  | "too_big"
  | "internal"
  | "try_later"
  | "bad_message"
  | "token_refused"
  | "forbidden"
  | "heartbeat_lost"
  | "replaced"
  | "too_many_messages"
  | "too_slow";

/** One row of the table of close codes. */
export interface CloseCode {
  readonly name: CloseName;
  /** The status code of the Close frame (RFC 6455, 7.4): below 4000 as registered there, from 4000 on ours. */
  readonly code: number;
  /** The reason that the Close frame carries unless there is a better one: at most 123 bytes. */
  readonly reason: string;
  readonly comeBack: ComeBack;
  /** What happened and what to do about it, for `docs/protocol.md`. */
  readonly meaning: string;
}

/** Every code with which the relay closes a connection. */
export const closeCodes: Readonly<Record<CloseName, CloseCode>> = {
  going_away: {
    name: "going_away",
    code: 1001,
    reason: "the relay is shutting down",
    comeBack: "later",
    meaning:
      "The relay drains before it stops. Come back after `retry_after_ms`, which differs for each client.",
  },
  protocol_error: {
    name: "protocol_error",
    code: 1002,
    reason: "the frame breaks the WebSocket protocol",
    comeBack: "never",
    meaning:
      "The client broke RFC 6455: an unmasked frame, a reserved bit or opcode, a wrong fragment. Sent by Bun.",
  },
  bad_text: {
    name: "bad_text",
    code: 1007,
    reason: "the text is not UTF-8",
    comeBack: "never",
    meaning: "A text message or a close reason of the client is not well-formed UTF-8. Sent by Bun.",
  },
  policy: {
    name: "policy",
    code: 1008,
    reason: "the connection breaks a rule of the relay",
    comeBack: "never",
    meaning: "The connection breaks a rule that no other code names. A foreign origin gets HTTP 403 instead.",
  },
  too_big: {
    name: "too_big",
    code: 1009,
    reason: "the message is larger than the relay takes",
    comeBack: "never",
    meaning: "The client sent a message over `max_message_bytes`. The same message would be refused again.",
  },
  internal: {
    name: "internal",
    code: 1011,
    reason: "the relay failed to handle this connection",
    comeBack: "later",
    meaning: "A fault of the relay, logged there.",
  },
  try_later: {
    name: "try_later",
    code: 1013,
    reason: "the relay is overloaded",
    comeBack: "later",
    meaning: "The relay cannot serve this connection at the moment.",
  },
  bad_message: {
    name: "bad_message",
    code: 4400,
    reason: "the message is not what the protocol allows",
    comeBack: "never",
    meaning:
      "The client sent a frame that is binary, not JSON, not an object, or has a wrong field. A bug of the client.",
  },
  token_refused: {
    name: "token_refused",
    code: 4401,
    reason: "the token is missing, refused or expired",
    comeBack: "new_token",
    meaning: "No token, a token that does not hold, or one that ran out while the connection lived.",
  },
  forbidden: {
    name: "forbidden",
    code: 4403,
    reason: "the connection was revoked",
    comeBack: "never",
    meaning:
      "An operator closed the user's connections or revoked the token. Another token may hold: that is for the user to decide, by signing in anew.",
  },
  heartbeat_lost: {
    name: "heartbeat_lost",
    code: 4408,
    reason: "no sign of life from the client",
    comeBack: "now",
    meaning: "Nothing came from the client for the heartbeat's interval and timeout together.",
  },
  replaced: {
    name: "replaced",
    code: 4409,
    reason: "replaced by a newer connection of the same user",
    comeBack: "never",
    meaning:
      "The user reached the cap of connections and a newer one won. Coming back would push out the next.",
  },
  too_many_messages: {
    name: "too_many_messages",
    code: 4429,
    reason: "too many messages",
    comeBack: "later",
    meaning: "The client sent more messages than `message_rate` and `message_burst` allow.",
  },
  too_slow: {
    name: "too_slow",
    code: 4480,
    reason: "the client reads too slowly",
    comeBack: "now",
    meaning:
      "More than `client_buffer_bytes` waited for the client, or most of what waited for all, which was more than " +
      "`total_buffer_bytes`. What waited is lost with the connection.",
  },
};
