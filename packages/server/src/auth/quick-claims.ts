import type { JWTPayload } from "jose";

/** What the claims of a token must say, beside a `sub` and an `exp` that is not past. */
export interface WantedClaims {
  readonly audience: string | undefined;
  readonly issuer: string | undefined;
  /** By how many seconds clocks may differ. */
  readonly toleranceSeconds: number;
}

const BASE64URL = /^[\w-]+$/;

/**
 * The claims of a token in their usual form, which hold at `now` (milliseconds since 1970) by the rules of jose; null for all
 * others, of which jose is to say what they are. `encoded` is the token's middle part.
 */
export function quickClaims(encoded: string, wanted: WantedClaims, now: number): JWTPayload | null {
  if (!BASE64URL.test(encoded)) return null;
  const text = Buffer.from(encoded, "base64url").toString();
  // What is no UTF-8 became this; jose refuses it.
  if (text.includes("\uFFFD")) return null;
  const claims = parsed(text);
  if (claims === null) return null;
  const { sub, exp, nbf, iat, aud, iss } = claims;
  const seconds = Math.floor(now / 1_000);
  const { audience, issuer, toleranceSeconds } = wanted;
  if (typeof sub !== "string") return null;
  if (typeof exp !== "number" || exp <= seconds - toleranceSeconds) return null;
  if (nbf !== undefined && !(typeof nbf === "number" && nbf <= seconds + toleranceSeconds)) return null;
  if (iat !== undefined && typeof iat !== "number") return null;
  if (audience !== undefined && !isFor(aud, audience)) return null;
  return issuer === undefined || iss === issuer ? claims : null;
}

function parsed(text: string): JWTPayload | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as JWTPayload)
      : null;
  } catch {
    return null;
  }
}

/** An `aud` may name several. */
function isFor(aud: unknown, audience: string): boolean {
  return Array.isArray(aud) ? aud.includes(audience) : aud === audience;
}
