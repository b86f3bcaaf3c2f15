import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";
import { answerOf, nowSeconds, plainAnswer } from "./auth-support.ts";

interface Signer {
  readonly jwk: JWK;
  readonly privateJwk: JWK;
  readonly pem: string;
  sign(header?: Readonly<Record<string, unknown>>): Promise<string>;
}

async function makeSigner(alg: "RS256" | "ES256" | "EdDSA"): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return {
    jwk: await exportJWK(publicKey),
    privateJwk: await exportJWK(privateKey),
    pem: await exportSPKI(publicKey),
    sign: (header = {}) =>
      new SignJWT({ sub: "ann", exp: nowSeconds() + 3_600 })
        .setProtectedHeader({ alg, ...header })
        .sign(privateKey),
  };
}

/** An HMAC token with whatever is at hand as the secret. */
function hmacToken(secret: string | Uint8Array, header: Readonly<Record<string, unknown>> = {}): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${part({ alg: "HS256", ...header })}.${part({ sub: "ann", exp: nowSeconds() + 3_600 })}`;
  return `${input}.${new Bun.CryptoHasher("sha256", secret).update(input).digest("base64url")}`;
}

async function answer(relay: TestRelay, token: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const { status } = await relay.http("/v1/stream", { method: "HEAD", headers });
  return status === 200 ? "200" : plainAnswer(relay, headers);
}

const signer = await makeSigner("RS256");
const stranger = await makeSigner("RS256");

/** A server that must hear nothing: every request to it is one that a token brought about. */
class Bait implements AsyncDisposable {
  readonly server: Bun.Server<undefined>;
  requests = 0;

  constructor() {
    this.server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => {
        this.requests += 1;
        return Response.json({ keys: [stranger.jwk] });
      },
    });
  }

  get url(): string {
    return this.server.url.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop(true);
  }
}

/** What a token's header may carry to bring a key of its own along. */
function baited(url: string): readonly (readonly [string, Readonly<Record<string, unknown>>])[] {
  return [
    ["jku", { jku: `${url}jku` }],
    ["jku with the kid of a good key", { jku: `${url}jku`, kid: "k1" }],
    ["x5u", { x5u: `${url}x5u` }],
    ["jwk", { jwk: stranger.jwk }],
    ["x5c", { x5c: [stranger.pem.replaceAll(/-----[^-]+-----|\n/g, "")] }],
    ["kid that is an address", { kid: `${url}kid` }],
    ["kid with a line break", { kid: `k1\r\nHost: ${url}` }],
    ["iss that is an address", { iss: url }],
    ["crit that names jku", { jku: `${url}jku`, crit: ["jku"] }],
  ];
}

describe("a relay with a public key", () => {
  let relay: TestRelay;

  beforeAll(async () => {
    const settings = { jwt_public_key: signer.pem, insecure_user_id: false };
    relay = await startTestRelay({ broker: "embedded", settings });
  });

  afterAll(() => relay[Symbol.asyncDispose]());

  test("lets in a token of its key", async () => {
    expect(await answer(relay, await signer.sign())).toBe("200");
  });

  const der = Buffer.from(signer.pem.replaceAll(/-----[^-]+-----|\n/g, ""), "base64");
  const secrets: readonly (readonly [string, string | Uint8Array])[] = [
    ["as PEM", signer.pem],
    ["as PEM without its last line break", signer.pem.trimEnd()],
    ["as PEM with CRLF", signer.pem.replaceAll("\n", "\r\n")],
    ["as DER", der],
    ["as its modulus", Buffer.from(signer.jwk.n ?? "", "base64url")],
    ["as JWK", JSON.stringify(signer.jwk)],
    ["as nothing", ""],
  ];

  test.each(secrets)("refuses an HMAC under the public key %s (HS/RS confusion)", async (_, secret) => {
    expect(await answer(relay, hmacToken(secret))).toBe("401 token_refused");
  });

  test("refuses a token of another key, also under every algorithm that its key would allow", async () => {
    for (const alg of ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "EdDSA"] as const) {
      const forged = (await stranger.sign()).split(".");
      forged[0] = Buffer.from(JSON.stringify({ alg })).toString("base64url");
      expect(await answer(relay, forged.join("."))).toBe("401 token_refused");
    }
    expect(await answer(relay, await stranger.sign())).toBe("401 token_refused");
  });

  test("follows nothing that a token's header names, and asks nobody for it", async () => {
    await using bait = new Bait();
    for (const [name, header] of baited(bait.url)) {
      expect([name, await answer(relay, await stranger.sign(header).catch(() => ""))]).toEqual([
        name,
        "401 token_refused",
      ]);
    }
    expect(bait.requests).toBe(0);
  });
});

describe("a relay with a key set", () => {
  /** Runs `attack` against a relay whose key set is what `serve` answers. */
  async function withKeys(
    serve: (request: Request) => Response | Promise<Response>,
    attack: (relay: TestRelay, fetches: () => number) => Promise<void>,
  ): Promise<void> {
    let fetches = 0;
    const issuer = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        fetches += 1;
        return serve(request);
      },
    });
    try {
      const jwks_url = new URL("keys", issuer.url).href;
      const settings = { jwks_url, jwt_audience: undefined, insecure_user_id: false };
      await using relay = await startTestRelay({ broker: "embedded", settings });
      await attack(relay, () => fetches);
    } finally {
      await issuer.stop(true);
    }
  }

  const k1 = { ...signer.jwk, kid: "k1" };
  const own = (): Promise<string> => signer.sign({ kid: "k1" });

  test("asks once for a thousand tokens with kids that nobody knows, and lets its users in meanwhile", async () => {
    await withKeys(
      () => Response.json({ keys: [k1] }),
      async (relay, fetches) => {
        expect(await answer(relay, await own())).toBe("200");
        const token = await stranger.sign();
        const [, rest = ""] = token.split(/\.(.*)/s);
        for (let batch = 0; batch < 20; batch += 1) {
          const answers = await Promise.all(
            Array.from({ length: 50 }, async (_, n) => {
              const header = JSON.stringify({ alg: "RS256", kid: `unknown-${batch}-${n}` });
              const forged = `${Buffer.from(header).toString("base64url")}.${rest}`;
              const headers = { authorization: `Bearer ${forged}` };
              return (await relay.http("/v1/stream", { method: "HEAD", headers })).status;
            }),
          );
          expect(new Set(answers)).toEqual(new Set([401]));
        }
        expect(await answer(relay, await own())).toBe("200");
        expect(fetches()).toBe(1);
      },
    );
  });

  test("follows nothing that a token's header names, and asks its own key set alone", async () => {
    await using bait = new Bait();
    await withKeys(
      () => Response.json({ keys: [k1] }),
      async (relay, fetches) => {
        for (const [name, header] of baited(bait.url)) {
          const token = await stranger.sign(header).catch(() => "");
          expect([name, await answer(relay, token)]).toEqual([name, "401 token_refused"]);
        }
        expect([bait.requests, fetches()]).toEqual([0, 1]);
      },
    );
  });

  const undecided: readonly (readonly [string, () => Response])[] = [
    ["an error", () => new Response("fault", { status: 500 })],
    ["nothing", () => new Response(null)],
    ["no JSON", () => new Response("<html>")],
    ["no key set", () => Response.json({ hello: "world" })],
    ["a list instead of a set", () => Response.json([k1])],
    ["300 KiB", () => Response.json({ keys: [k1], x: "x".repeat(300 * 1_024) })],
    [
      "a small body that unpacks to 300 KiB",
      () =>
        new Response(Bun.gzipSync(Buffer.from(JSON.stringify({ keys: [k1], x: "x".repeat(300 * 1_024) }))), {
          headers: { "content-encoding": "gzip" },
        }),
    ],
  ];

  test.each(undecided)(
    "that answers with %s lets nobody in, and says that it cannot tell",
    async (_, serve) => {
      await withKeys(serve, async (relay) => {
        expect(await answer(relay, await own())).toBe("503 token_undecided");
      });
    },
  );

  test("that is elsewhere by a redirect lets nobody in, and is not looked for there", async () => {
    await using bait = new Bait();
    for (const status of [301, 302, 303, 307, 308]) {
      await withKeys(
        () => new Response(null, { status, headers: { location: bait.url } }),
        async (relay) => {
          expect(await answer(relay, await stranger.sign())).toBe("503 token_undecided");
        },
      );
    }
    expect(bait.requests).toBe(0);
  });

  const unusable: readonly (readonly [string, () => readonly JWK[], () => Promise<string>])[] = [
    ["a key for encryption (use enc)", () => [{ ...k1, use: "enc" }], own],
    ["a key that may not verify (key_ops)", () => [{ ...k1, key_ops: ["encrypt"] }], own],
    ["a key for another algorithm", () => [{ ...k1, alg: "RS512" }], own],
    ["a private key", () => [{ ...signer.privateJwk, kid: "k1" }], own],
    [
      "a shared secret",
      () => [{ kty: "oct", k: Buffer.from("secret").toString("base64url"), kid: "k1", alg: "HS256" }],
      async () => hmacToken("secret", { kid: "k1" }),
    ],
    ["an RSA key under an HMAC", () => [k1], async () => hmacToken(signer.pem, { kid: "k1" })],
    ["a key of no kind", () => [{ kid: "k1" }], own],
    ["a key whose parts are no numbers", () => [{ kty: "RSA", kid: "k1", n: "!", e: "!" }], own],
  ];

  test.each(unusable)("that holds %s does not let in by it", async (_, keys, token) => {
    await withKeys(
      () => Response.json({ keys: keys() }),
      async (relay) => {
        expect(await answer(relay, await token())).toMatch(/^(?:401 token_refused|503 token_undecided)$/);
      },
    );
  });

  test("that holds one kid twice lets in by both keys, and by no third", async () => {
    const second = await makeSigner("RS256");
    await withKeys(
      () => Response.json({ keys: [k1, { ...second.jwk, kid: "k1" }] }),
      async (relay) => {
        expect(await answer(relay, await own())).toBe("200");
        expect(await answer(relay, await second.sign({ kid: "k1" }))).toBe("200");
        expect(await answer(relay, await stranger.sign({ kid: "k1" }))).toBe("401 token_refused");
      },
    );
  });

  test("where nobody listens lets nobody in, and is told without its address", async () => {
    const settings = { jwks_url: "http://127.0.0.1:1/private-path?key=geheim", insecure_user_id: false };
    await using relay = await startTestRelay({ broker: "embedded", settings });
    const headers = { authorization: `Bearer ${await own()}` };
    const response = await relay.http("/v1/stream", { headers });
    const said = `${await response.clone().text()}${relay.log.join("")}`;
    expect(await answerOf(response)).toBe("503 token_undecided");
    expect(said).not.toContain("geheim");
    expect(said).not.toContain("private-path");
  });
});
