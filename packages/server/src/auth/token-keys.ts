import { timingSafeEqual } from "node:crypto";
import type { JWTVerifyGetKey } from "jose";

/** The keys that may have signed a user's token, and the algorithms that this kind of key fixes. */
export interface TokenKeys {
  /** The only values of `alg` that are looked at. Never taken from a token. */
  readonly algorithms: readonly string[];
  /**
   * Finds the key for a token's header. Called only once the header's `alg` is known to be one of
   * `algorithms`.
   * @throws {KeysUnavailable} when the keys cannot be had at the moment.
   */
  readonly find: JWTVerifyGetKey;
  /** Where a check costs less on the spot than on another thread. */
  readonly check?: CheckSignature;
}

/**
 * Whether `signature` (base64url) over `input` is by the key, by an algorithm that is one of `algorithms`. False too where
 * it cannot tell.
 */
export type CheckSignature = (algorithm: string, input: string, signature: string) => boolean;

/** Thrown by {@link TokenKeys.find} when it is the relay, not the token, that is at fault. */
export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";
  readonly code = "keys_unavailable";
}

export const RSA_ALGORITHMS: readonly string[] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
export const EDDSA_ALGORITHMS: readonly string[] = ["EdDSA", "Ed25519"];
export const ASYMMETRIC_ALGORITHMS: readonly string[] = [
  ...RSA_ALGORITHMS,
  "ES256",
  "ES384",
  "ES512",
  ...EDDSA_ALGORITHMS,
];

const HMAC_HASHES: ReadonlyMap<string, string> = new Map([
  ["HS256", "SHA-256"],
  ["HS384", "SHA-384"],
  ["HS512", "SHA-512"],
]);

/**
 * The keys of a shared secret, imported once for each hash: jose would import a bare secret again for each
 * token.
 */
export function secretKeys(secret: string): TokenKeys {
  const bytes = new TextEncoder().encode(secret);
  const hashers = new Map(
    Array.from(HASHERS, ([algorithm, hash]) => [algorithm, new Bun.CryptoHasher(hash, bytes)] as const),
  );
  const imported = new Map<string, Promise<CryptoKey>>();
  for (const [algorithm, hash] of HMAC_HASHES) {
    const key = crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash }, false, ["verify"]);
    imported.set(algorithm, key);
  }
  return {
    algorithms: [...HMAC_HASHES.keys()],
    check: (algorithm, input, signature) => hmacHolds(hashers.get(algorithm), input, signature),
    find: ({ alg }) => imported.get(alg) ?? Promise.reject(new KeysUnavailable(`no key for ${alg}`)),
  };
}

const HASHERS: ReadonlyMap<string, "sha256" | "sha384" | "sha512"> = new Map([
  ["HS256", "sha256"],
  ["HS384", "sha384"],
  ["HS512", "sha512"],
]);

/** `keyed` has the secret in it and nothing else; a copy of it is used up. */
function hmacHolds(keyed: Bun.CryptoHasher | undefined, input: string, signature: string): boolean {
  if (keyed === undefined) return false;
  const right = keyed.copy().update(input).digest("base64url");
  const given = Buffer.from(signature);
  return given.length === right.length && timingSafeEqual(given, Buffer.from(right));
}
