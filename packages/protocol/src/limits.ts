import { utf8Length } from "./bytes.ts";

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

const isControl = (code: number): boolean => code < 0x20 || (code >= 0x7f && code <= 0x9f);

/** The first reason why a text is not a name of 1 to `maxBytes` bytes in well-formed Unicode, or null where it is. */
export function nameFault(text: string, maxBytes: number): string | null {
  const length = text.length;
  if (length === 0) return "must not be empty";
  if (length > maxBytes) return `must be at most ${maxBytes} bytes`;
  for (let at = 0; at < length; at += 1) {
    if (text.charCodeAt(at) < 0x80) continue;
    if (!text.isWellFormed()) return "must be well-formed Unicode";
    return utf8Length(text) > maxBytes ? `must be at most ${maxBytes} bytes` : null;
  }
  return null;
}

/** The first reason why a text cannot be a user id, or null where it can. `"*"` is refused: it means everyone. */
export function userIdFault(id: string): string | null {
  if (id === BROADCAST_TARGET) return 'must not be "*", which means every user';
  for (let at = 0; at < id.length; at += 1) {
    if (isControl(id.charCodeAt(at))) return "must not contain control characters";
  }
  return nameFault(id, MAX_USER_ID_BYTES);
}
