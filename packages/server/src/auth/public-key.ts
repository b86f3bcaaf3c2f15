import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { type CheckSignature, EDDSA_ALGORITHMS, RSA_ALGORITHMS, type TokenKeys } from "./token-keys.ts";

/** RFC 7518, 3.3 and 3.5. */
const MIN_RSA_BITS = 2048;

/** Larger keys are checked on another thread. */
const MOST_QUICK_RSA_BITS = 3072;

/** RFC 7518, 3.3. The PS family is left to jose. */
const PKCS1_HASHES: ReadonlyMap<string, string> = new Map([
  ["RS256", "sha256"],
  ["RS384", "sha384"],
  ["RS512", "sha512"],
]);

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
  const check = signatureCheck(key);
  const keys: TokenKeys = { algorithms: algorithmsOf(key), find: () => Promise.resolve(key) };
  return check === null ? keys : { ...keys, check };
}

/**
 * Checks RSA of usual size on the spot: 30 to 50 microseconds, less than it takes to ask another thread. Curves take
 * longer than that, and would hold up the updates of everybody else.
 */
function signatureCheck(key: KeyObject): CheckSignature | null {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits === undefined || bits > MOST_QUICK_RSA_BITS) return null;
  return (algorithm, input, signature) => {
    const hash = PKCS1_HASHES.get(algorithm);
    const bytes = Buffer.from(signature, "base64url");
    if (hash === undefined || bytes.toString("base64url") !== signature) return false;
    return verify(hash, Buffer.from(input), key, bytes);
  };
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
