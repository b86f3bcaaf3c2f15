import { expect, test } from "bun:test";
import fc from "fast-check";
import { generateKeyPair, type JWTPayload } from "jose";
import { KeyObject } from "node:crypto";
import { publicKeys } from "./public-key.ts";
import { authSettings, forgedToken, NOW, SECRET, signedToken } from "./test-support.ts";
import { secretKeys, type TokenKeys } from "./token-keys.ts";
import { TokenVerifier } from "./token-verifier.ts";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";

const clock = new ManualClock();
const rsa = await generateKeyPair("RS256", { extractable: true });
const pem = KeyObject.from(rsa.publicKey).export({ type: "spki", format: "pem" });
const secret = secretKeys(SECRET);
const pair = publicKeys(pem);

/** Both ways to judge a token: with the quick check, and by jose alone. */
function verifiers(keys: TokenKeys, by: ManualClock = clock): readonly [TokenVerifier, TokenVerifier] {
  const settings = { ...authSettings({}), jwt_audience: "relay", jwt_issuer: "us" };
  const { algorithms, find } = keys;
  const made = (some: TokenKeys): TokenVerifier =>
    new TokenVerifier({ keys: some, settings, clock: by, onFault: () => {} });
  return [made(keys), made({ algorithms, find })];
}

const bySecret = verifiers(secret);
const byPair = verifiers(pair);

async function agree(
  [quick, slow]: readonly [TokenVerifier, TokenVerifier],
  token: string,
): Promise<boolean> {
  const verdict = await slow.verify(token);
  expect(await quick.verify(token)).toEqual(verdict);
  // Once more, since a header that was seen is remembered.
  expect(await quick.verify(token)).toEqual(verdict);
  return verdict.ok;
}

const claims: fc.Arbitrary<JWTPayload> = fc.record(
  {
    sub: fc.oneof(
      { arbitrary: fc.constant<unknown>("ann"), weight: 4 },
      fc.constantFrom<unknown>("", "*", 7, null, "é"),
    ),
    exp: fc.oneof(
      { arbitrary: fc.constant<unknown>(NOW + 60), weight: 4 },
      fc.constantFrom<unknown>(NOW, NOW - 29, NOW - 30, NOW - 31, "later", 1e300, -1, null),
    ),
    nbf: fc.constantFrom<unknown>(NOW, NOW + 30, NOW + 31, "x"),
    aud: fc.oneof(
      { arbitrary: fc.constant<unknown>("relay"), weight: 3 },
      fc.constantFrom<unknown>(["relay", "x"], "x", [], 1),
    ),
    iss: fc.oneof(
      { arbitrary: fc.constant<unknown>("us"), weight: 3 },
      fc.constantFrom<unknown>("them", null),
    ),
    iat: fc.constantFrom<unknown>(NOW, NOW + 1_000, "x"),
  },
  { requiredKeys: ["sub", "exp", "aud", "iss"] },
) as fc.Arbitrary<JWTPayload>;

const header = fc.oneof(
  { arbitrary: fc.constant<unknown>({ alg: "HS256" }), weight: 4 },
  fc.constantFrom<unknown>(
    { alg: "HS256", typ: "JWT", kid: "k" },
    { alg: "HS384" },
    { alg: "none" },
    { alg: "hs256" },
    { alg: "RS256" },
    { alg: ["HS256"] },
    { alg: "HS256", crit: ["b64"], b64: false },
    { alg: "HS256", crit: ["b64"], b64: true },
    { alg: "HS256", crit: [] },
    { alg: "HS256", b64: false },
    { typ: "JWT" },
    [],
    null,
    '{"alg":"none","alg":"HS256"}',
    '{"__proto__":{"alg":"HS256"}}',
    ' {"alg":"HS256"} ',
    '{"alg":"HS256"',
  ),
);

/** Claims that could be read in more than one way. */
const odd = fc.constantFrom(
  `\ufeff{"sub":"ann","exp":${NOW + 60},"aud":"relay","iss":"us"}`,
  ` {"sub":"ann","exp":${NOW + 60},"aud":"relay","iss":"us"} `,
  `{"sub":"ann","exp":1,"exp":${NOW + 60},"aud":"relay","iss":"us"}`,
  `{"sub":"ann","exp":${NOW + 60},"exp":1,"aud":"relay","iss":"us"}`,
  `{"exp":${NOW + 60},"aud":"relay","iss":"us","__proto__":{"sub":"ann"}}`,
  `{"sub":"\ufffd","exp":${NOW + 60},"aud":"relay","iss":"us"}`,
  `{"sub":"ann","exp":1e999,"aud":"relay","iss":"us"}`,
  `{"sub":"ann","exp":${NOW + 60},"aud":["x",["relay"]],"iss":"us"}`,
  `{"sub":"ann","exp":${NOW + 60},"aud":"relay","iss":["us"]}`,
  `[{"sub":"ann","exp":${NOW + 60},"aud":"relay","iss":"us"}]`,
  "null",
);

const body = fc.oneof({ arbitrary: claims, weight: 9 }, { arbitrary: odd, weight: 3 }, fc.string());

test("a token signed with the secret, whatever it says, has one verdict", async () => {
  let letIn = 0;
  await fc.assert(
    fc.asyncProperty(header, body, async (head, body) => {
      if (await agree(bySecret, forgedToken(head, body))) letIn += 1;
    }),
    { numRuns: 500 },
  );
  expect(letIn).toBeGreaterThan(10);
});

const good: JWTPayload = { sub: "ann", exp: NOW + 60, aud: "relay", iss: "us" };

test("claims that are no UTF-8 are refused, though they could be read with a letter replaced", async () => {
  const text = `{"sub":"ann\xff","exp":${NOW + 60},"aud":"relay","iss":"us"}`;
  const head = Buffer.from('{"alg":"HS256"}').toString("base64url");
  const input = `${head}.${Buffer.from(text, "latin1").toString("base64url")}`;
  const signature = new Bun.CryptoHasher("sha256", SECRET).update(input).digest("base64url");
  expect(await agree(bySecret, `${input}.${signature}`)).toBe(false);
});

test("claims that are spelled in another way than base64url are refused, though they are signed", async () => {
  const head = Buffer.from('{"alg":"HS256"}').toString("base64url");
  const claims = Buffer.from(JSON.stringify(good)).toString("base64url");
  for (const [spelled, isLetIn] of [
    [claims, true],
    [`${claims}=`, false],
    [`${claims} `, false],
    [`${claims.slice(0, 4)}\n${claims.slice(4)}`, false],
  ] as const) {
    const input = `${head}.${spelled}`;
    const signature = new Bun.CryptoHasher("sha256", SECRET).update(input).digest("base64url");
    expect(await agree(bySecret, `${input}.${signature}`)).toBe(isLetIn);
  }
});

test("within a second of its beginning or its end a token has one verdict", async () => {
  const half = new ManualClock();
  half.advance(500);
  const both = verifiers(secret, half);
  for (const part of [0, 0.3, 0.5, 0.7, 1]) {
    await agree(both, forgedToken({ alg: "HS256" }, { ...good, exp: NOW - 30 + part }));
    await agree(both, forgedToken({ alg: "HS256" }, { ...good, nbf: NOW + 30 + part }));
  }
});

/** What somebody may do to a token on its way: change, drop, add or double a character, or cut parts. */
const mutation = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom("change", "drop", "insert", "double", "cut", "none"),
  letter: fc.constantFrom(..."AZaz09-_=+/. \n\u00e9".split("")),
});

function mutated(token: string, { at, kind, letter }: { at: number; kind: string; letter: string }): string {
  const place = at % token.length;
  const [before, after] = [token.slice(0, place), token.slice(place)];
  if (kind === "change") return before + letter + after.slice(1);
  if (kind === "drop") return before + after.slice(1);
  if (kind === "insert") return before + letter + after;
  if (kind === "double") return `${token}.${after}`;
  return kind === "cut" ? before : token;
}

test.each([
  ["the secret", bySecret, new TextEncoder().encode(SECRET), ["HS256", "HS384", "HS512"]],
  ["an RSA key", byPair, rsa.privateKey, ["RS256"]],
] as const)("a token signed with %s and then changed has one verdict", async (_, both, key, algorithms) => {
  for (const alg of algorithms) {
    const token = await signedToken(good, key, { alg });
    expect(await agree(both, token)).toBe(true);
    await fc.assert(
      fc.asyncProperty(mutation, async (change) => {
        await agree(both, mutated(token, change));
      }),
      { numRuns: 200 },
    );
  }
});

test("the last characters of a signature have no second spelling that the quick check takes", async () => {
  const token = forgedToken({ alg: "HS256" }, good);
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (const letter of letters) await agree(bySecret, token.slice(0, -1) + letter);
  for (const more of ["=", "==", "A", "."]) await agree(bySecret, token + more);
});

test("a token that holds needs no key of jose's", async () => {
  const find = (): never => {
    throw new Error("jose was asked");
  };
  for (const [keys, key, alg] of [
    [secret, new TextEncoder().encode(SECRET), "HS256"],
    [pair, rsa.privateKey, "RS256"],
  ] as const) {
    const [quick] = verifiers({ ...keys, find });
    expect((await quick.verify(await signedToken(good, key, { alg }))).ok).toBe(true);
  }
});
