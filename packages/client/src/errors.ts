/**
 * Why a request to Tidings failed. Stable; `unavailable`, `inbound_off` and `unknown_type` come from the relay.
 *
 * - `timeout`: there was no connection in time, the message was not sent.
 * - `unconfirmed`: the message was sent and no answer came: the relay took it, or not.
 * - `receive_only`: the connection is server-sent events, which has no way up.
 * - `too_big`: the message is larger than the relay takes.
 * - `invalid`: the payload does not fit its schema.
 * - `too_many`: too many messages wait for a connection, or too many updates for an iterator.
 * - `refused`: the relay does not want this client back until something changes; see the status.
 * - `closed`: `close` was called.
 */
export type TidingsErrorCode =
  | "timeout"
  | "unconfirmed"
  | "receive_only"
  | "too_big"
  | "invalid"
  | "too_many"
  | "refused"
  | "closed"
  | "unavailable"
  | "inbound_off"
  | "unknown_type"
  | (string & {});

/** One request failed; the connection stands as {@link Tidings.status} says. */
export class TidingsError extends Error {
  override readonly name = "TidingsError";
  /** What went wrong, for programs. */
  readonly code: TidingsErrorCode;

  constructor(code: TidingsErrorCode, message: string = code) {
    super(message);
    this.code = code;
  }
}
