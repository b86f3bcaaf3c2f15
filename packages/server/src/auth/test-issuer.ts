import { exportJWK, generateKeyPair, type JWK } from "jose";
import { RemoteKeySet } from "./jwks.ts";
import { authSettings, goodClaims, outcome, signedToken } from "./test-support.ts";
import { TokenVerifier } from "./token-verifier.ts";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";

/** Somebody who signs tokens, with the public half of the key. */
export interface Signer {
  readonly jwk: JWK;
  token(kid?: string): Promise<string>;
}

/** Makes a signer of its own key. */
export async function signer(kid?: string, alg = "ES256"): Promise<Signer> {
  const pair = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(pair.publicKey)), ...(kid === undefined ? {} : { kid }) };
  return {
    jwk,
    token: (named = kid) =>
      signedToken(goodClaims(), pair.privateKey, { alg, ...(named === undefined ? {} : { kid: named }) }),
  };
}

/** An issuer's real HTTP server, and a relay's verifier that asks it. */
export class Issuer {
  readonly clock: ManualClock = new ManualClock();
  readonly faults: string[] = [];
  readonly verifier: TokenVerifier;
  readonly #server: Bun.Server<undefined>;
  /** How often the endpoint was asked. */
  fetches: number = 0;
  /** What the endpoint answers. */
  answer: () => Response | Promise<Response> = () => Response.json({ keys: [] });

  constructor() {
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => {
        this.fetches += 1;
        return this.answer();
      },
      error: () => new Response("fault", { status: 500 }),
    });
    const onFault = (sentence: string): void => void this.faults.push(sentence);
    const keys = new RemoteKeySet({
      url: new URL("keys", this.#server.url).href,
      clock: this.clock,
      fetch,
      onFault,
    });
    this.verifier = new TokenVerifier({ keys, settings: authSettings({}), clock: this.clock, onFault });
  }

  serve(...signers: Signer[]): void {
    this.answer = () => Response.json({ keys: signers.map(({ jwk }) => jwk) });
  }

  async judge(token: string): Promise<string> {
    return outcome(await this.verifier.verify(token));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }
}
