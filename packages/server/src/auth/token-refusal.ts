import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions } from "jose";
import type { Refusal } from "./authenticator.ts";
import { KeysUnavailable } from "./token-keys.ts";

/** Most characters of a token's own words that a sentence repeats. */
const MAX_QUOTED = 64;

/** What a sentence about a refused token may draw on. */
export interface RefusedToken {
  readonly token: string;
  /** When it was judged, in milliseconds since 1970. */
  readonly now: number;
  readonly checks: JWTVerifyOptions;
}

/**
 * Puts what jose found wrong with a token into a sentence; null where the error does not speak of the token.
 */
export function tokenRefusal(error: unknown, refused: RefusedToken): Refusal | null {
  if (error instanceof errors.JWTExpired)
    return { code: "expired", reason: expiredReason(error, refused.now) };
  if (error instanceof errors.JWTClaimValidationFailed) {
    return { code: "refused", reason: claimReason(error, refused) };
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    const allowed = listed(refused.checks.algorithms ?? []);
    return {
      code: "refused",
      reason: `the token's algorithm is ${headerValue(refused, "alg")}, the relay's key allows ${allowed}`,
    };
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return { code: "refused", reason: "the token's signature is not by the relay's key" };
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    const kid = headerValue(refused, "kid");
    return { code: "refused", reason: `no key of the key set fits the token, whose kid is ${kid}` };
  }
  if (error instanceof errors.JOSENotSupported) {
    return {
      code: "refused",
      reason: "the token's header asks for an extension that is not supported (crit)",
    };
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
    return { code: "malformed", reason: "the token is not a well-formed JWT" };
  }
  if (error instanceof KeysUnavailable) return { code: "unavailable", reason: error.message };
  return null;
}

function expiredReason(error: errors.JWTExpired, now: number): string {
  const { exp } = error.payload;
  if (typeof exp !== "number") return "the token expired";
  return `the token expired ${Math.floor(now / 1_000 - exp)} s ago`;
}

function claimReason(error: errors.JWTClaimValidationFailed, { now, checks }: RefusedToken): string {
  const { claim, payload, reason } = error;
  if (reason === "missing") return `the token has no ${claim}`;
  if (reason === "invalid") return `the token's ${claim} is not a number`;
  if (claim === "nbf") return notBeforeReason(payload, now);
  if (claim === "aud")
    return `the token's audience is ${quoted(payload.aud)}, expected ${expected(checks.audience)}`;
  if (claim === "iss")
    return `the token's issuer is ${quoted(payload.iss)}, expected ${expected(checks.issuer)}`;
  return `the token's ${claim} is not what the relay expects`;
}

function notBeforeReason({ nbf }: JWTPayload, now: number): string {
  if (typeof nbf !== "number") return "the token's nbf is not a number";
  return `the token is valid only in ${Math.ceil(nbf - now / 1_000)} s (nbf)`;
}

function headerValue({ token }: RefusedToken, name: "alg" | "kid"): string {
  try {
    return quoted(decodeProtectedHeader(token)[name]);
  } catch {
    return "unreadable";
  }
}

function expected(value: string | string[] | undefined): string {
  return JSON.stringify(value) ?? "another";
}

/** A claim as JSON in printable ASCII, cut: it may come from anyone, and ends up in logs and on terminals. */
function quoted(value: unknown): string {
  const json = JSON.stringify(value) ?? "missing";
  const ascii = json.replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return ascii.length > MAX_QUOTED ? `${ascii.slice(0, MAX_QUOTED)}...` : ascii;
}

function listed(names: readonly string[]): string {
  return new Intl.ListFormat("en").format(names);
}
