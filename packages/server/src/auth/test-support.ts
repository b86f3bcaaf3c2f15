import { base64url, SignJWT, type JWTHeaderParameters, type JWTPayload } from "jose";
import type { AuthSettings } from "./auth-settings.ts";
import type { AuthResult } from "./authenticator.ts";

/** When the tests of tokens take place, in seconds since 1970: 2026-11-22T00:00:00Z. */
export const NOW = 1_795_305_600;

/** A shared secret of 32 bytes. */
export const SECRET = "0123456789abcdef0123456789abcdef";

/** Settings with everything off but what is given. */
export function authSettings(given: Partial<AuthSettings>): AuthSettings {
  return { query_token: false, insecure_user_id: false, ...given };
}

/** The claims of a token that holds for an hour. */
export function goodClaims(given: JWTPayload = {}): JWTPayload {
  return { sub: "ann", exp: NOW + 3_600, ...given };
}

/** A token signed as a proper issuer would. */
export function signedToken(
  claims: JWTPayload,
  key: CryptoKey | Uint8Array = new TextEncoder().encode(SECRET),
  header: JWTHeaderParameters = { alg: "HS256" },
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader(header).sign(key);
}

/** A token whose three parts are exactly these, signed (HS256) over whatever the header says. */
export function forgedToken(header: unknown, payload: unknown, secret: string | Uint8Array = SECRET): string {
  const text = (value: unknown): string =>
    base64url.encode(typeof value === "string" ? value : JSON.stringify(value));
  const input = `${text(header)}.${text(payload)}`;
  return `${input}.${new Bun.CryptoHasher("sha256", secret).update(input).digest("base64url")}`;
}

/** "ann" where she was let in, else the code and the reason. */
export function outcome(result: AuthResult): string {
  return result.ok ? result.identity.userId : `${result.refusal.code}: ${result.refusal.reason}`;
}
