/** Who a connection belongs to, and until when. */
export interface Identity {
  readonly userId: string;
  /**
   * The token's own end (`exp`, or `session_exp` of a ticket), in milliseconds since 1970; null where the identity has no end (development
   * modes). The leeway for clocks that differ (`TOKEN_LEEWAY_MS`) is not in it: whoever closes the connection
   * adds it, since a token that was let in within the leeway would be closed at once otherwise. At most
   * 8.64e15, the last instant that a `Date` can hold: far more than one timer can wait.
   */
  readonly expiresAt: number | null;
  /** The token's `jti`, where it has one that can be revoked. */
  readonly tokenId?: string;
  /** The token's `iat`, in seconds since 1970, where it has one. */
  readonly issuedAt?: number;
}

/**
 * What kind of refusal it is, for metrics and for the answer:
 * - `missing`: no credential came along;
 * - `malformed`: the credential cannot be read at all;
 * - `refused`: it can be read and does not hold;
 * - `expired`: it held once;
 * - `used`: it is a ticket, which lets in once, and did so before;
 * - `revoked`: it would hold, and was taken back;
 * - `unavailable`: the relay cannot tell, for a fault of its own, of the key set's endpoint or of Redis. The credential
 *   may well be good: the answer is "try later" (503, 1013), not "bring another token" (401, 4401).
 */
export type RefusalCode =
  | "missing"
  | "malformed"
  | "refused"
  | "expired"
  | "used"
  | "revoked"
  | "unavailable";

/** Why nobody was let in. */
export interface Refusal {
  readonly code: RefusalCode;
  /**
   * A sentence for the developer that names the fault, in printable ASCII but for what the settings hold. It
   * never repeats the token; what it quotes of a claim is escaped and cut.
   */
  readonly reason: string;
}

/** The answer to "who is this?". */
export type AuthResult =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly refusal: Refusal };

/** Why somebody whose credential holds is not let in all the same; null where they are. */
export type Objection = (identity: Identity) => Refusal | null | Promise<Refusal | null>;

/**
 * Tells who is at the other end of a connection. Never throws: a fault of its own is a refusal, and is
 * reported. It answers at once where it can.
 */
export interface Authenticator {
  /**
   * Reads the first credential that the request carries, in the order of the contract, and judges that one
   * alone.
   */
  authenticate(request: Request): AuthResult | Promise<AuthResult>;
  /** Judges a token that a client sent on its open socket. */
  verify(token: string): AuthResult | Promise<AuthResult>;
}

/** The result that lets nobody in. */
export function refused(code: RefusalCode, reason: string): AuthResult {
  return { ok: false, refusal: { code, reason } };
}
