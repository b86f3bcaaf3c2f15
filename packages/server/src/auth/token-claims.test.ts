import { describe, expect, test } from "bun:test";
import type { AuthSettings } from "./auth-settings.ts";
import { authSettings, forgedToken, goodClaims, NOW, outcome, SECRET } from "./test-support.ts";
import { secretKeys } from "./token-keys.ts";
import { TokenVerifier } from "./token-verifier.ts";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";

function verifierOf(settings: Partial<AuthSettings>): TokenVerifier {
  return new TokenVerifier({
    keys: secretKeys(SECRET),
    settings: authSettings(settings),
    clock: new ManualClock(),
    onFault: (sentence) => {
      throw new Error(sentence);
    },
  });
}

const verifier = verifierOf({});

async function judged(token: string, by: TokenVerifier = verifier): Promise<string> {
  return outcome(await by.verify(token));
}

describe("the times of a token", () => {
  test("have a leeway of 30 s", async () => {
    expect(await judged(forgedToken({ alg: "HS256" }, { sub: "ann", exp: NOW - 29 }))).toBe("ann");
    expect(await judged(forgedToken({ alg: "HS256" }, { ...goodClaims(), nbf: NOW + 30 }))).toBe("ann");
  });

  test("may have fractions, and the end that is told is the token's own, without the leeway", async () => {
    const result = await verifier.verify(forgedToken({ alg: "HS256" }, { sub: "ann", exp: NOW + 0.5 }));
    expect(result).toEqual({ ok: true, identity: { userId: "ann", expiresAt: NOW * 1_000 + 500 } });
  });

  test.each(["1e308", "1e400", "9007199254740993"])(
    "may end at %s, told as the last instant of a Date",
    async (exp) => {
      const result = await verifier.verify(forgedToken({ alg: "HS256" }, `{"sub":"ann","exp":${exp}}`));
      expect(result).toEqual({ ok: true, identity: { userId: "ann", expiresAt: 8.64e15 } });
      expect(result.ok && new Date(result.identity.expiresAt ?? 0).toISOString()).toStartWith("+275760");
    },
  );
});

describe("audience and issuer", () => {
  const strict = verifierOf({ jwt_audience: "relay", jwt_issuer: "https://id.example" });
  const whole = { ...goodClaims(), aud: "relay", iss: "https://id.example" };

  test.each([
    ["as they are set", whole, "ann"],
    ["an audience among others", { ...whole, aud: ["shop", "relay"] }, "ann"],
    ["no audience", { ...whole, aud: undefined }, "refused: the token has no aud"],
    [
      "another audience",
      { ...whole, aud: "shop" },
      `refused: the token's audience is "shop", expected "relay"`,
    ],
    [
      "other audiences",
      { ...whole, aud: ["a", "b"] },
      `refused: the token's audience is ["a","b"], expected "relay"`,
    ],
    [
      "no text as audience",
      { ...whole, aud: { relay: 1 } },
      `refused: the token's audience is {"relay":1}, expected "relay"`,
    ],
    [
      "an audience that begins alike",
      { ...whole, aud: "relay2" },
      `refused: the token's audience is "relay2", expected "relay"`,
    ],
    [
      "a long audience, cut",
      { ...whole, aud: "é".repeat(99) },
      `refused: the token's audience is "${"\\u00e9".repeat(10)}\\u0..., expected "relay"`,
    ],
    ["no issuer", { ...whole, iss: undefined }, "refused: the token has no iss"],
    [
      "another issuer",
      { ...whole, iss: "https://id.example/" },
      `refused: the token's issuer is "https://id.example/", expected "https://id.example"`,
    ],
    [
      "a list as issuer",
      { ...whole, iss: ["https://id.example"] },
      `refused: the token's issuer is ["https://id.example"], expected "https://id.example"`,
    ],
  ])("are judged: %s", async (_, claims, expected) => {
    expect(await judged(forgedToken({ alg: "HS256" }, claims), strict)).toBe(expected);
  });
});
