/** The subprotocol a client offers to receive system frames beside updates. */
export const SUBPROTOCOL = "tidings.v1";

/** Prefix of the second subprotocol, which carries the token: `tidings.token.<JWT>`. It is never echoed. */
export const TOKEN_SUBPROTOCOL_PREFIX = "tidings.token.";

/** Types that begin with this belong to the relay. */
export const RESERVED_TYPE_PREFIX = "tidings.";

/** The target that means every connected user. No user may have it as an id. */
export const BROADCAST_TARGET = "*";

/** A user id is 1 to this many bytes of UTF-8, without control characters. */
export const MAX_USER_ID_BYTES = 256;

/** A type is 1 to this many bytes of UTF-8. */
export const MAX_TYPE_BYTES = 128;

/** A client's request id, echoed in `tidings.ack`, is 1 to this many bytes of UTF-8. */
export const MAX_REQUEST_ID_BYTES = 128;

const encoder = new TextEncoder();

/** The first reason why a text cannot be a user id, or null where it can. `"*"` is refused: it means everyone. */
export function userIdFault(id: string): string | null {
  if (id.length === 0) return "a user id must not be empty";
  if (id === BROADCAST_TARGET) return 'a user id must not be "*", which means every user';
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  if (/[\u0000-\u001f\u007f]/.test(id)) return "a user id must not contain control characters";
  if (id.length > MAX_USER_ID_BYTES || encoder.encode(id).length > MAX_USER_ID_BYTES) {
    return `a user id must be at most ${MAX_USER_ID_BYTES} bytes`;
  }
  if (!id.isWellFormed()) return "a user id must be well-formed Unicode";
  return null;
}
