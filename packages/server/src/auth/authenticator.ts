/** Who a connection belongs to, and until when. */
export interface Identity {
  readonly userId: string;
  /** When the token runs out, in milliseconds since 1970; null where the identity has no end (development modes). */
  readonly expiresAt: number | null;
}

/** Why nobody was let in: a sentence for the developer that names the fault and never repeats the token. */
export interface Refusal {
  readonly reason: string;
}

/** The answer to "who is this?". */
export type AuthResult = { readonly ok: true; readonly identity: Identity } | { readonly ok: false; readonly refusal: Refusal };

/** Tells who is at the other end of a connection. Never throws: a fault of its own is a refusal, and is logged. */
export interface Authenticator {
  /** Reads the first credential that the request carries, in the order of the contract, and judges that one alone. */
  authenticate(request: Request): Promise<AuthResult>;
  /** Judges a token that a client sent on its open socket. */
  verify(token: string): Promise<AuthResult>;
}
