import { describe, expect, test } from "bun:test";
import { authSettings, forgedToken, goodClaims, NOW, outcome, SECRET, signedToken } from "./test-support.ts";
import { secretKeys, type TokenKeys } from "./token-keys.ts";
import { TokenVerifier } from "./token-verifier.ts";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";

const clock = new ManualClock();
const faults: string[] = [];

function verifierOf(keys: TokenKeys): TokenVerifier {
  return new TokenVerifier({
    keys,
    settings: authSettings({}),
    clock,
    onFault: (sentence) => faults.push(sentence),
  });
}

const verifier = verifierOf(secretKeys(SECRET));

async function judged(token: string, by: TokenVerifier = verifier): Promise<string> {
  return outcome(await by.verify(token));
}

describe("a token with a shared secret", () => {
  test.each(["HS256", "HS384", "HS512"])("is accepted with %s", async (alg) => {
    const token = await signedToken(goodClaims(), new TextEncoder().encode(SECRET), { alg });
    expect(await verifier.verify(token)).toEqual({
      ok: true,
      identity: { userId: "ann", expiresAt: (NOW + 3_600) * 1_000 },
    });
  });

  test("is accepted with a secret of one byte", async () => {
    const token = forgedToken({ alg: "HS256" }, goodClaims(), "x");
    expect(await judged(token, verifierOf(secretKeys("x")))).toBe("ann");
  });
});

describe("a token is refused", () => {
  const good = goodClaims();
  const lines: [string, string, string][] = [
    [
      "of algorithm none",
      `${forgedToken({ alg: "none" }, good).split(".").slice(0, 2).join(".")}.`,
      `refused: the token's algorithm is "none", the relay's key allows HS256, HS384, and HS512`,
    ],
    [
      "of algorithm None with a signature",
      forgedToken({ alg: "None" }, good),
      `refused: the token's algorithm is "None", the relay's key allows HS256, HS384, and HS512`,
    ],
    [
      "of algorithm RS256",
      forgedToken({ alg: "RS256" }, good),
      `refused: the token's algorithm is "RS256", the relay's key allows HS256, HS384, and HS512`,
    ],
    [
      "of a long hostile algorithm",
      forgedToken({ alg: `\u001b[31m\u202e${"x".repeat(500)}` }, good),
      `refused: the token's algorithm is "\\u001b[31m\\u202e${"x".repeat(47)}..., the relay's key allows HS256, HS384, and HS512`,
    ],
    [
      "without an algorithm",
      forgedToken({ typ: "JWT" }, good),
      "malformed: the token is not a well-formed JWT",
    ],
    [
      "signed with another secret",
      forgedToken({ alg: "HS256" }, good, "another"),
      "refused: the token's signature is not by the relay's key",
    ],
    [
      "whose signature is cut",
      forgedToken({ alg: "HS256" }, good).slice(0, -4),
      "malformed: the token is not a well-formed JWT",
    ],
    [
      "whose signature is empty",
      forgedToken({ alg: "HS256" }, good).replace(/[^.]*$/, ""),
      "refused: the token's signature is not by the relay's key",
    ],
    [
      "whose HS512 header covers an HS256 signature",
      forgedToken({ alg: "HS512" }, good),
      "refused: the token's signature is not by the relay's key",
    ],
    [
      "that brings its own key (jwk)",
      forgedToken({ alg: "HS256", jwk: { kty: "oct", k: "ZXZpbA" } }, good, "evil"),
      "refused: the token's signature is not by the relay's key",
    ],
    [
      "that names its own key set (jku)",
      forgedToken({ alg: "HS256", jku: "http://127.0.0.1:9/" }, good, "evil"),
      "refused: the token's signature is not by the relay's key",
    ],
    [
      "that names its own certificate (x5u)",
      forgedToken({ alg: "HS256", x5u: "http://127.0.0.1:9/" }, good, "evil"),
      "refused: the token's signature is not by the relay's key",
    ],
    [
      "whose kid is a path",
      forgedToken({ alg: "HS256", kid: "../../dev/null" }, good, "\0"),
      "refused: the token's signature is not by the relay's key",
    ],
    [
      "with an unknown critical extension",
      forgedToken({ alg: "HS256", crit: ["x"], x: 1 }, good),
      "refused: the token's header asks for an extension that is not supported (crit)",
    ],
    [
      "with an empty list of critical extensions",
      forgedToken({ alg: "HS256", crit: [] }, good),
      "malformed: the token is not a well-formed JWT",
    ],
    [
      "with an unencoded payload",
      forgedToken({ alg: "HS256", crit: ["b64"], b64: false }, good),
      "malformed: the token is not a well-formed JWT",
    ],
    ["without exp", forgedToken({ alg: "HS256" }, { sub: "ann" }), "refused: the token has no exp"],
    [
      "with exp null",
      forgedToken({ alg: "HS256" }, { sub: "ann", exp: null }),
      "refused: the token's exp is not a number",
    ],
    [
      "with exp as a string",
      forgedToken({ alg: "HS256" }, { sub: "ann", exp: String(NOW + 60) }),
      "refused: the token's exp is not a number",
    ],
    [
      "with a negative exp",
      forgedToken({ alg: "HS256" }, { sub: "ann", exp: -1 }),
      `expired: the token expired ${NOW + 1} s ago`,
    ],
    [
      "that expired 42 s ago",
      forgedToken({ alg: "HS256" }, { sub: "ann", exp: NOW - 42 }),
      "expired: the token expired 42 s ago",
    ],
    [
      "that expired as long ago as the leeway is",
      forgedToken({ alg: "HS256" }, { sub: "ann", exp: NOW - 30 }),
      "expired: the token expired 30 s ago",
    ],
    [
      "that begins in 31 s",
      forgedToken({ alg: "HS256" }, { ...good, nbf: NOW + 31 }),
      "refused: the token is valid only in 31 s (nbf)",
    ],
    [
      "with nbf as a string",
      forgedToken({ alg: "HS256" }, { ...good, nbf: "0" }),
      "refused: the token's nbf is not a number",
    ],
    [
      "with iat as a string",
      forgedToken({ alg: "HS256" }, { ...good, iat: "0" }),
      "refused: the token's iat is not a number",
    ],
    ["without sub", forgedToken({ alg: "HS256" }, { exp: good.exp }), "refused: the token has no sub"],
    [
      "with sub null",
      forgedToken({ alg: "HS256" }, { ...good, sub: null }),
      "refused: the token's sub is not a string",
    ],
    [
      "with a number as sub",
      forgedToken({ alg: "HS256" }, { ...good, sub: 7 }),
      "refused: the token's sub is not a string",
    ],
    [
      "with a list as sub",
      forgedToken({ alg: "HS256" }, { ...good, sub: ["ann"] }),
      "refused: the token's sub is not a string",
    ],
    [
      "with an empty sub",
      forgedToken({ alg: "HS256" }, { ...good, sub: "" }),
      "refused: the token's sub must not be empty",
    ],
    [
      "with everyone as sub",
      forgedToken({ alg: "HS256" }, { ...good, sub: "*" }),
      `refused: the token's sub must not be "*", which means every user`,
    ],
    [
      "with 300 bytes of sub",
      forgedToken({ alg: "HS256" }, { ...good, sub: "é".repeat(150) }),
      "refused: the token's sub must be at most 256 bytes",
    ],
    [
      "with control characters in sub",
      forgedToken({ alg: "HS256" }, { ...good, sub: "a\nb" }),
      "refused: the token's sub must not contain control characters",
    ],
    [
      "with half a surrogate pair in sub",
      forgedToken({ alg: "HS256" }, `{"sub":"\\ud800","exp":${NOW + 60}}`),
      "refused: the token's sub must be well-formed Unicode",
    ],
    [
      "of more than 8 KiB",
      forgedToken({ alg: "HS256" }, { ...good, x: "x".repeat(9_216) }),
      "malformed: the token is longer than 8192 bytes",
    ],
    [
      "whose payload is a list",
      forgedToken({ alg: "HS256" }, []),
      "malformed: the token is not a well-formed JWT",
    ],
    [
      "whose payload is not JSON",
      forgedToken({ alg: "HS256" }, "sub=ann"),
      "malformed: the token is not a well-formed JWT",
    ],
    ["whose header is not JSON", forgedToken("alg", good), "malformed: the token is not a well-formed JWT"],
    ["of two parts", "a.b", "malformed: the token is not a well-formed JWT"],
    ["of five parts, as an encrypted one", "a.b.c.d.e", "malformed: the token is not a well-formed JWT"],
    ["of no bytes", "", "malformed: the token is not a well-formed JWT"],
    ["of other characters", "ä.ö.ü", "malformed: the token is not a well-formed JWT"],
  ];

  test.each(lines)("%s", async (_, token, expected) => {
    expect(await judged(token)).toBe(expected);
    expect(faults).toEqual([]);
  });
});

test("a fault of the relay's own is reported, and is not the token's", async () => {
  const keys = { algorithms: ["HS256"], find: () => Promise.reject(new TypeError("a bug")) };
  const token = forgedToken({ alg: "HS256" }, goodClaims());
  expect(await judged(token, verifierOf(keys))).toBe("unavailable: the relay failed to verify the token");
  expect(faults.splice(0)).toEqual(["a token could not be verified (TypeError: a bug)"]);
});
