import { beforeAll, describe, expect, test } from "bun:test";
import { exportSPKI, generateKeyPair, type JWTHeaderParameters } from "jose";
import { publicKeys } from "./public-key.ts";
import { authSettings, forgedToken, goodClaims, outcome, signedToken } from "./test-support.ts";
import type { TokenKeys } from "./token-keys.ts";
import { TokenVerifier } from "./token-verifier.ts";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";

function verifierOf(keys: TokenKeys): TokenVerifier {
  return new TokenVerifier({
    keys,
    settings: authSettings({}),
    clock: new ManualClock(),
    onFault: (sentence) => {
      throw new Error(sentence);
    },
  });
}

async function judged(token: string, by: TokenVerifier): Promise<string> {
  return outcome(await by.verify(token));
}

describe("a public key", () => {
  const pairs = new Map<string, CryptoKeyPair>();
  const pems = new Map<string, string>();
  const kinds: Readonly<Record<string, readonly string[]>> = {
    RSA: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    "P-256": ["ES256"],
    "P-384": ["ES384"],
    "P-521": ["ES512"],
    Ed25519: ["EdDSA", "Ed25519"],
  };

  beforeAll(async () => {
    for (const algorithm of Object.values(kinds).flat()) {
      pairs.set(algorithm, await generateKeyPair(algorithm, { extractable: true }));
    }
    for (const algorithm of pairs.keys()) pems.set(algorithm, await exportSPKI(pairOf(algorithm).publicKey));
  });

  function pairOf(algorithm: string): CryptoKeyPair {
    const pair = pairs.get(algorithm);
    if (pair === undefined) throw new Error(`no key for ${algorithm}`);
    return pair;
  }

  test.each(
    Object.entries(kinds).flatMap(([kind, algorithms]) => algorithms.map((name) => [kind, name] as const)),
  )("of kind %s verifies %s and nothing of another key or kind", async (kind, algorithm) => {
    const by = verifierOf(publicKeys(pems.get(algorithm) ?? ""));
    const token = await signedToken(goodClaims(), pairOf(algorithm).privateKey, { alg: algorithm });
    expect(await judged(token, by)).toBe("ann");
    const stranger = await generateKeyPair(algorithm);
    const strange = await signedToken(goodClaims(), stranger.privateKey, { alg: algorithm });
    expect(await judged(strange, by)).toBe("refused: the token's signature is not by the relay's key");
    for (const other of [...pairs.keys()].filter((name) => !(kinds[kind] ?? []).includes(name))) {
      const foreign = await signedToken(goodClaims(), pairOf(other).privateKey, { alg: other });
      expect(await judged(foreign, by)).toStartWith(`refused: the token's algorithm is "${other}"`);
    }
  });

  test.each(["RS256", "ES256", "EdDSA"])(
    "for %s does not verify an HS256 token made with it as the secret",
    async (algorithm) => {
      const pem = pems.get(algorithm) ?? "";
      const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\n/g, ""), "base64");
      for (const secret of [pem, `${pem}\n`, pem.trim(), der]) {
        const token = forgedToken({ alg: "HS256" }, goodClaims(), secret);
        expect(await judged(token, verifierOf(publicKeys(pem)))).toStartWith(
          `refused: the token's algorithm is "HS256"`,
        );
      }
    },
  );

  test("is not replaced by the key in a token's header", async () => {
    const evil = await generateKeyPair("ES256", { extractable: true });
    const jwk = await crypto.subtle.exportKey("jwk", evil.publicKey);
    const header = { alg: "ES256", jwk } as JWTHeaderParameters;
    const token = await signedToken(goodClaims(), evil.privateKey, header);
    const by = verifierOf(publicKeys(pems.get("ES256") ?? ""));
    expect(await judged(token, by)).toBe("refused: the token's signature is not by the relay's key");
  });
});
