import { createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { EDDSA_ALGORITHMS, RSA_ALGORITHMS, type TokenKeys } from "./token-keys.ts";

/** RFC 7518, 3.3 and 3.5. */
const MIN_RSA_BITS = 2048;

const CURVE_ALGORITHMS: ReadonlyMap<string, readonly string[]> = new Map([
  ["prime256v1", ["ES256"]],
  ["secp384r1", ["ES384"]],
  ["secp521r1", ["ES512"]],
]);

/**
 * The key of `jwt_public_key`: PEM, also with its line breaks written as `\n` (as environment files have it),
 * or the path of a file that holds PEM. The file is read once.
 * @throws {TypeError} in one sentence that names the setting, when there is no usable public key in it.
 */
export function publicKeys(pemOrPath: string): TokenKeys {
  const pem = pemOrPath.includes("-----BEGIN ") ? pemOrPath.replaceAll("\\n", "\n") : readPem(pemOrPath);
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw new TypeError(
      "jwt_public_key holds a private key: give the relay the public half, and keep this one away",
    );
  }
  const key = parsed(pem);
  return { algorithms: algorithmsOf(key), find: () => Promise.resolve(key) };
}

function readPem(path: string): string {
  if (path.includes("\n")) throw new TypeError("jwt_public_key is neither PEM nor the path of a file");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new TypeError(`jwt_public_key is not PEM, and no file could be read at that path (${code})`, {
      cause: error,
    });
  }
  if (text.includes("-----BEGIN ")) return text;
  throw new TypeError("jwt_public_key is the path of a file that holds no PEM");
}

function parsed(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw new TypeError("jwt_public_key holds no readable public key in PEM", { cause: error });
  }
}

function algorithmsOf(key: KeyObject): readonly string[] {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === "rsa") {
    const bits = details?.modulusLength ?? 0;
    if (bits >= MIN_RSA_BITS) return RSA_ALGORITHMS;
    throw new TypeError(`jwt_public_key is an RSA key of ${bits} bits; at least ${MIN_RSA_BITS} are needed`);
  }
  if (key.asymmetricKeyType === "ed25519") return EDDSA_ALGORITHMS;
  const algorithms = CURVE_ALGORITHMS.get(details?.namedCurve ?? "");
  if (key.asymmetricKeyType === "ec" && algorithms !== undefined) return algorithms;
  throw new TypeError(
    "jwt_public_key is a kind of key that is not supported: use RSA, EC (P-256, P-384, P-521) or Ed25519",
  );
}
