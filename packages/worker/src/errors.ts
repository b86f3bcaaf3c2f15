/**
 * What went wrong, for programs.
 *
 * - `malformed`: the update breaks a rule of the contract, which {@link TidingsError.fault} names. Nothing was sent, unless
 *   only the relay's own limits speak against it.
 * - `invalid`: the payload does not fit the schema of its type. Nothing was sent.
 * - `unavailable`: Redis did not answer, or no relay listens, for as long as it was tried. Some of the updates may have been
 *   stored all the same: publish those of {@link TidingsError.updateIds} again with the same ids and none doubles.
 * - `unconfirmed`: the connection was lost after a plain `PUBLISH` was sent. It is not sent again, since it might arrive twice.
 * - `history_off`: history is asked for, and the relay keeps none.
 * - `refused`: Redis does not let this user do it, or refuses for a reason that does not pass.
 * - `relay`: the relay's HTTP interface did not give an answer; see {@link TidingsError.status}.
 * - `closed`: `close` was called.
 */
export type TidingsErrorCode =
  | "malformed"
  | "invalid"
  | "unavailable"
  | "unconfirmed"
  | "history_off"
  | "refused"
  | "relay"
  | "closed";

/** What is known about a failure beside its code. */
export interface TidingsErrorDetails extends ErrorOptions {
  readonly fault?: string;
  readonly index?: number;
  readonly updateIds?: readonly (string | number)[];
  readonly status?: number;
}

/** A request to Tidings failed. */
export class TidingsError extends Error {
  override readonly name = "TidingsError";
  readonly code: TidingsErrorCode;
  /**
   * With `malformed` the rule, as in docs/protocol.md: `target_invalid`, `type_reserved`, `too_large`; with `relay` the
   * problem's code, such as `api_key_refused`.
   */
  readonly fault: string | undefined;
  /** Which one of `publishMany`, from 0. */
  readonly index: number | undefined;
  /** With `unavailable` and `unconfirmed`: the ids of the updates that were not confirmed, in their order. */
  readonly updateIds: readonly (string | number)[];
  /** With `relay`: the HTTP status; undefined where the relay could not be reached. */
  readonly status: number | undefined;

  constructor(code: TidingsErrorCode, message: string, details: TidingsErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.fault = details.fault;
    this.index = details.index;
    this.updateIds = details.updateIds ?? [];
    this.status = details.status;
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
