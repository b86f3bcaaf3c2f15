import { afterAll, beforeAll, expect, test } from "bun:test";
import { exportJWK, generateKeyPair } from "jose";
import {
  KEY_SET_COOLDOWN_MS,
  KEY_SET_FIRST_COOLDOWN_MS,
  KEY_SET_MAX_AGE_MS,
  KEY_SET_TIMEOUT_MS,
  MAX_KEY_SET_BYTES,
  RemoteKeySet,
} from "./jwks.ts";
import { Issuer, signer, type Signer } from "./test-issuer.ts";
import { authSettings, forgedToken, goodClaims, outcome, signedToken } from "./test-support.ts";
import { TokenVerifier } from "./token-verifier.ts";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";

const signature = "refused: the token's signature is not by the relay's key";
const unavailable = "unavailable: the keys for tokens cannot be fetched at the moment";
let first: Signer;
let second: Signer;
let elsewhere: Bun.Server<undefined>;
let elsewhereAsked = 0;

beforeAll(async () => {
  first = await signer("first");
  second = await signer("second");
  elsewhere = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => {
      elsewhereAsked += 1;
      return Response.json({ keys: [first.jwk] });
    },
  });
});

afterAll(() => elsewhere.stop(true));

test("keys are fetched for the first token and then kept, also when a thousand come at once", async () => {
  await using issuer = new Issuer();
  issuer.serve(first);
  const token = await first.token();
  expect(issuer.fetches).toBe(0);
  const results = await Promise.all(Array.from({ length: 1_000 }, () => issuer.judge(token)));
  expect(new Set(results)).toEqual(new Set(["ann"]));
  expect(issuer.fetches).toBe(1);
  issuer.clock.advance(KEY_SET_MAX_AGE_MS - 1);
  expect(await issuer.judge(await first.token())).toBe("ann");
  expect(issuer.fetches).toBe(1);
  expect(issuer.clock.timers).toBe(0);
});

test("a new key is found as soon as a token names it, and a removed one ends with the age of the set", async () => {
  await using issuer = new Issuer();
  issuer.serve(first);
  const old = await first.token();
  expect(await issuer.judge(old)).toBe("ann");
  issuer.serve(second);
  issuer.clock.advance(KEY_SET_COOLDOWN_MS);
  expect(await issuer.judge(await second.token())).toBe("ann");
  expect(await issuer.judge(old)).toBe(`refused: no key of the key set fits the token, whose kid is "first"`);
  issuer.serve(first);
  issuer.clock.advance(KEY_SET_MAX_AGE_MS);
  expect(await issuer.judge(await second.token())).toStartWith("refused");
  expect(issuer.fetches).toBe(3);
});

test("a thousand unknown kids make one fetch in a cooldown at most", async () => {
  await using issuer = new Issuer();
  issuer.serve(first);
  expect(await issuer.judge(await first.token())).toBe("ann");
  const unknown = await Promise.all(Array.from({ length: 1_000 }, (_, index) => first.token(`k${index}`)));
  for (let round = 2; round <= 4; round += 1) {
    issuer.clock.advance(KEY_SET_COOLDOWN_MS);
    const results = await Promise.all(unknown.map((token) => issuer.judge(token)));
    expect(results.every((result) => result.startsWith("refused: no key of the key set fits"))).toBe(true);
    for (const token of unknown.slice(0, 20)) expect(await issuer.judge(token)).toStartWith("refused");
    expect(issuer.fetches).toBe(round);
  }
  issuer.clock.advance(KEY_SET_COOLDOWN_MS - 1);
  expect(await issuer.judge(unknown[0] ?? "")).toStartWith("refused");
  expect(issuer.fetches).toBe(4);
});

test("a token of an algorithm that no public key can have makes no fetch", async () => {
  await using issuer = new Issuer();
  for (const alg of ["none", "HS256", "dir", "toString"]) {
    const header = { alg, kid: "first", jku: elsewhere.url.href };
    expect(await issuer.judge(forgedToken(header, goodClaims()))).toStartWith(
      "refused: the token's algorithm",
    );
  }
  expect(issuer.fetches).toBe(0);
});

test("nothing in a token moves the fetch to another address or brings a key along", async () => {
  await using issuer = new Issuer();
  issuer.serve(second);
  elsewhereAsked = 0;
  const pair = await generateKeyPair("ES256", { extractable: true });
  const url = elsewhere.url.href;
  const header = { alg: "ES256", kid: "second", jku: url, x5u: url, jwk: await exportJWK(pair.publicKey) };
  const token = await signedToken(goodClaims({ iss: url, aud: url }), pair.privateKey, header);
  expect(await issuer.judge(token)).toBe(signature);
  expect(elsewhereAsked).toBe(0);
});

test("while the endpoint is down from the beginning, nobody is let in, and it is asked once in a while", async () => {
  await using issuer = new Issuer();
  issuer.answer = () => new Response("down", { status: 503 });
  const token = await first.token();
  for (let index = 0; index < 20; index += 1) expect(await issuer.judge(token)).toBe(unavailable);
  expect(issuer.fetches).toBe(1);
  expect(issuer.faults).toEqual([
    "the key set at jwks_url was answered with status 503; nobody can be let in",
  ]);
  issuer.serve(first);
  issuer.clock.advance(KEY_SET_FIRST_COOLDOWN_MS);
  expect(await issuer.judge(token)).toBe("ann");
});

test("the last good keys stay in use while the endpoint fails, and a kid they lack is not the token's fault", async () => {
  await using issuer = new Issuer();
  issuer.serve(first);
  expect(await issuer.judge(await first.token())).toBe("ann");
  issuer.answer = () => new Response("down", { status: 500 });
  issuer.clock.advance(KEY_SET_MAX_AGE_MS);
  const token = await first.token();
  expect(await issuer.judge(token)).toBe("ann");
  expect(await issuer.judge(await second.token())).toBe(unavailable);
  expect(issuer.fetches).toBe(2);
  expect(issuer.faults).toEqual([
    "the key set at jwks_url was answered with status 500; the last good keys stay in use",
  ]);
  issuer.serve(second);
  issuer.clock.advance(KEY_SET_COOLDOWN_MS);
  expect(await issuer.judge(await second.token())).toBe("ann");
});

test("an endpoint that does not answer is left after its time, and its late answer does not count", async () => {
  await using issuer = new Issuer();
  const asked = Promise.withResolvers<void>();
  const late = Promise.withResolvers<Response>();
  issuer.answer = () => {
    asked.resolve();
    return late.promise;
  };
  const judged = issuer.judge(await first.token());
  await asked.promise;
  issuer.clock.advance(KEY_SET_TIMEOUT_MS);
  expect(await judged).toBe(unavailable);
  expect(issuer.faults[0]).toContain(`did not arrive within ${KEY_SET_TIMEOUT_MS} ms`);
  late.resolve(Response.json({ keys: [first.jwk] }));
  expect(await issuer.judge(await first.token())).toBe(unavailable);
  expect(issuer.clock.timers).toBe(0);
});

test("an endpoint that stops in the middle of its answer is left after its time", async () => {
  await using issuer = new Issuer();
  const begun = Promise.withResolvers<void>();
  issuer.answer = () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('{"keys":')),
        pull: () => {
          begun.resolve();
          return new Promise(() => {});
        },
      }),
    );
  const judged = issuer.judge(await first.token());
  await begun.promise;
  issuer.clock.advance(KEY_SET_TIMEOUT_MS);
  expect(await judged).toBe(unavailable);
});

test("known keys work without waiting while a fetch for an unknown one runs", async () => {
  await using issuer = new Issuer();
  issuer.serve(first);
  expect(await issuer.judge(await first.token())).toBe("ann");
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  issuer.answer = () => {
    asked.resolve();
    return answer.promise;
  };
  issuer.clock.advance(KEY_SET_COOLDOWN_MS);
  const unknown = issuer.judge(await second.token());
  await asked.promise;
  expect(await issuer.judge(await first.token())).toBe("ann");
  answer.resolve(Response.json({ keys: [first.jwk, second.jwk] }));
  expect(await unknown).toBe("ann");
});

test.each([
  ["huge", () => new Response(" ".repeat(MAX_KEY_SET_BYTES + 1)), `larger than ${MAX_KEY_SET_BYTES} bytes`],
  ["huge once it is unpacked", () => packed(" ".repeat(4 * MAX_KEY_SET_BYTES)), "larger than"],
  ["endless", endless, "larger than"],
  ["not JSON", () => new Response("<html>"), "is not a JSON Web Key Set"],
  ["no key set", () => Response.json({ key: [] }), "is not a JSON Web Key Set"],
  ["null", () => Response.json(null), "is not a JSON Web Key Set"],
  ["cut off", () => Promise.reject(new Error("down")), "was answered with status 500"],
])("an answer that is %s is refused, and the relay asks again later", async (_, answer, fault) => {
  await using issuer = new Issuer();
  issuer.answer = answer;
  expect(await issuer.judge(await first.token())).toBe(unavailable);
  expect(issuer.faults).toHaveLength(1);
  expect(issuer.faults[0]).toContain(fault);
  issuer.serve(first);
  issuer.clock.advance(KEY_SET_FIRST_COOLDOWN_MS);
  expect(await issuer.judge(await first.token())).toBe("ann");
});

test("a redirect is not followed", async () => {
  await using issuer = new Issuer();
  elsewhereAsked = 0;
  issuer.answer = () => Response.redirect(elsewhere.url.href, 302);
  expect(await issuer.judge(await first.token())).toBe(unavailable);
  expect(issuer.faults[0]).toContain("is elsewhere (status 302), and redirects are not followed");
  expect(elsewhereAsked).toBe(0);
});

test("an endpoint where nobody listens is a fault that does not repeat the address", async () => {
  const faults: string[] = [];
  const url = "http://127.0.0.1:1/keys?secret=hunter2";
  const clock = new ManualClock();
  const keys = new RemoteKeySet({ url, clock, fetch, onFault: (sentence) => faults.push(sentence) });
  const verifier = new TokenVerifier({ keys, settings: authSettings({}), clock, onFault: () => {} });
  expect(outcome(await verifier.verify(await first.token()))).toBe(unavailable);
  expect(faults).toEqual([
    "the key set at jwks_url could not be fetched (ECONNREFUSED); nobody can be let in",
  ]);
});

test("a token without kid is tried with each key it fits", async () => {
  await using issuer = new Issuer();
  const nameless = [await signer(), await signer(), await signer(undefined, "EdDSA")];
  issuer.serve(...nameless);
  for (const one of nameless) expect(await issuer.judge(await one.token())).toBe("ann");
  expect(await issuer.judge(await (await signer()).token())).toBe(signature);
});

test("a shared secret or a private key in the set is never used", async () => {
  await using issuer = new Issuer();
  const pair = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(pair.privateKey)), kid: "private" };
  issuer.answer = () => Response.json({ keys: [{ kty: "oct", k: "c2VjcmV0", kid: "shared" }, jwk] });
  const shared = forgedToken({ alg: "HS256", kid: "shared" }, goodClaims(), "secret");
  expect(await issuer.judge(shared)).toStartWith(`refused: the token's algorithm is "HS256"`);
  const token = await signedToken(goodClaims(), pair.privateKey, { alg: "ES256", kid: "private" });
  expect(await issuer.judge(token)).toBe("unavailable: the relay failed to verify the token");
});

test("a set that mixes keys it can use with kinds it does not know works", async () => {
  await using issuer = new Issuer();
  issuer.answer = () =>
    Response.json({
      keys: [{ kty: "XYZ", kid: "first" }, { kty: "EC", crv: "secp256k1", kid: "first" }, first.jwk],
    });
  expect(await issuer.judge(await first.token())).toBe("ann");
});

function packed(text: string): Response {
  return new Response(Bun.gzipSync(text), { headers: { "content-encoding": "gzip" } });
}

function endless(): Response {
  const chunk = new TextEncoder().encode(" ".repeat(16_384));
  return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }));
}
