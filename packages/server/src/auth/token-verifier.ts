import { nameFault, userIdFault } from "@tidings/protocol";
import { errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from "jose";
import { andThen } from "../and-then.ts";
import type { Clock } from "../clock.ts";
import type { AuthSettings } from "./auth-settings.ts";
import { type AuthResult, type Identity, type Objection, refused } from "./authenticator.ts";
import { QuickCheck } from "./quick-check.ts";
import { MAX_REVOCABLE_JTI_BYTES } from "./revocation.ts";
import { TOKEN_LEEWAY_MS } from "./token-leeway.ts";
import type { TokenKeys } from "./token-keys.ts";
import { type ClaimOnce, isTicket, sessionEnd, Tickets } from "./tickets.ts";
import { tokenRefusal } from "./token-refusal.ts";

/** The longest token that is looked at, in bytes. */
const MAX_TOKEN_BYTES = 8_192;

/** The three parts of a signed token (RFC 7515, 7.1), of which the last may be empty as far as its form goes. */
const PARTS = /^[\w-]+\.[\w-]+\.([\w-]*)$/;

/** The last instant that a `Date` can hold, in milliseconds since 1970. */
const LAST_INSTANT = 8.64e15;

/** What a {@link TokenVerifier} needs. */
export interface TokenVerifierOptions {
  readonly keys: TokenKeys;
  readonly settings: Pick<AuthSettings, "jwt_audience" | "jwt_issuer">;
  readonly clock: Clock;
  /** Remembers tickets that were used. Without it no ticket is let in. */
  readonly claimOnce?: ClaimOnce;
  /** Why a token that holds in every other respect is not accepted; null where it is. Nothing is, unless given. */
  readonly objection?: Objection;
  /** Called with one sentence, never with a token, when it is the relay that is at fault. */
  readonly onFault: (sentence: string) => void;
}

/**
 * Judges user tokens. A token holds when its signature is by one of the keys, with an algorithm that the kind
 * of key fixes; `sub` can be a user id; `exp` is there and not past; `nbf` and `iat`, where they are, are past;
 * `aud` and `iss` are as set. Keys and addresses in the token's own header (`jwk`, `jku`, `x5u`) are never
 * looked at. A ticket (`single_use`) that holds is used up by being judged.
 */
export class TokenVerifier {
  readonly #options: TokenVerifierOptions;
  readonly #checks: JWTVerifyOptions;
  readonly #tickets: Tickets | null;
  readonly #quick: QuickCheck | null;

  constructor(options: TokenVerifierOptions) {
    this.#options = options;
    const { check } = options.keys;
    const { claimOnce } = options;
    this.#tickets = claimOnce === undefined ? null : new Tickets(claimOnce, TOKEN_LEEWAY_MS);
    const { jwt_audience: audience, jwt_issuer: issuer } = options.settings;
    const wanted = { audience, issuer, toleranceSeconds: TOKEN_LEEWAY_MS / 1_000 };
    this.#quick = check === undefined ? null : new QuickCheck(check, options.keys, wanted);
    this.#checks = {
      algorithms: [...options.keys.algorithms],
      clockTolerance: TOKEN_LEEWAY_MS / 1_000,
      requiredClaims: ["exp", "sub"],
      ...(audience === undefined ? {} : { audience }),
      ...(issuer === undefined ? {} : { issuer }),
    };
  }

  /** Never throws. */
  verify(token: string): AuthResult | Promise<AuthResult> {
    if (token.length > MAX_TOKEN_BYTES) {
      return refused("malformed", `the token is longer than ${MAX_TOKEN_BYTES} bytes`);
    }
    const now = this.#options.clock.wall();
    const claims = this.#quick?.claims(token, now) ?? null;
    if (claims === null && !isStrictlyWritten(token)) {
      return refused("malformed", "the token is not a well-formed JWT");
    }
    try {
      const result = claims === null ? this.#byJose(token, now) : this.#judge(claims, now);
      return result instanceof Promise
        ? result.catch((error: unknown) => this.#refusal(error, token, now))
        : result;
    } catch (error) {
      return this.#refusal(error, token, now);
    }
  }

  async #byJose(token: string, now: number): Promise<AuthResult> {
    const checks = { ...this.#checks, currentDate: new Date(now) };
    return this.#judge(await this.#payload(token, checks), now);
  }

  /** Judges a token by its claims, once it is known who made it. */
  #judge(payload: JWTPayload, now: number): AuthResult | Promise<AuthResult> {
    const result = identified(payload, now);
    if (!result.ok) return result;
    return andThen(this.#options.objection?.(result.identity) ?? null, (refusal) => {
      if (refusal !== null) return { ok: false, refusal };
      return isTicket(payload) ? this.#admit(result.identity, payload, now) : result;
    });
  }

  #refusal(error: unknown, token: string, now: number): AuthResult {
    const refusal = tokenRefusal(error, { token, now, checks: this.#checks });
    if (refusal !== null) return { ok: false, refusal };
    const what = error instanceof Error ? `${error.name}: ${error.message}` : "unknown error";
    this.#options.onFault(`a token could not be verified (${what})`);
    return refused("unavailable", "the relay failed to verify the token");
  }

  /** The last check of a ticket, after which it is of no more use. */
  async #admit(identity: Identity, payload: JWTPayload, now: number): Promise<AuthResult> {
    const end = sessionEnd(payload);
    if (typeof end !== "number") return { ok: false, refusal: end };
    if (this.#tickets === null) return refused("unavailable", "the relay cannot remember tickets");
    const refusal = await this.#tickets.use(payload, now);
    if (refusal !== null) return { ok: false, refusal };
    return { ok: true, identity: { ...identity, expiresAt: instant(end) } };
  }

  /**
   * A token without `kid` may fit several keys of a set: each is tried before the signature counts as wrong.
   */
  async #payload(token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    try {
      return (await jwtVerify(token, this.#options.keys.find, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      for await (const key of error) {
        try {
          return (await jwtVerify(token, key, options)).payload;
        } catch (wrong) {
          if (!(wrong instanceof errors.JWSSignatureVerificationFailed)) throw wrong;
        }
      }
      throw new errors.JWSSignatureVerificationFailed();
    }
  }
}

/**
 * Whether a token is written in the one way that its bytes have: no padding, no blanks, no bits in the last character of
 * the signature that mean nothing. Else one token would have many texts, of which a list of refused ones knows one.
 */
function isStrictlyWritten(token: string): boolean {
  const signature = PARTS.exec(token)?.[1];
  return signature !== undefined && Buffer.from(signature, "base64url").toString("base64url") === signature;
}

function identified({ sub, exp, iat, jti }: JWTPayload, now: number): AuthResult {
  if (typeof sub !== "string") return refused("refused", "the token's sub is not a string");
  const fault = userIdFault(sub);
  if (fault !== null) return refused("refused", `the token's sub ${fault}`);
  if (typeof exp !== "number") return refused("refused", "the token's exp is not a number");
  // A token that is issued later than it can have been would escape revocation by that time.
  if (iat !== undefined && iat * 1_000 > now + TOKEN_LEEWAY_MS) {
    return refused("refused", `the token is issued only in ${Math.ceil(iat - now / 1_000)} s (iat)`);
  }
  const isRevocable = typeof jti === "string" && nameFault(jti, MAX_REVOCABLE_JTI_BYTES) === null;
  const identity = {
    userId: sub,
    expiresAt: instant(exp),
    ...(isRevocable ? { tokenId: jti } : {}),
    ...(iat === undefined ? {} : { issuedAt: iat }),
  };
  return { ok: true, identity };
}

function instant(seconds: number): number {
  return Math.min(seconds * 1_000, LAST_INSTANT);
}
