import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { base64url, EncryptJWT } from "jose";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";
import {
  answerOf,
  guarded,
  nowSeconds,
  plainAnswer,
  SECRET,
  tidingsClient,
  tokenOf,
} from "./auth-support.ts";

/** A token of exactly this header and these claims, as values or as JSON text, signed over them with HS256. */
function forge(header: unknown, claims: unknown, secret: string = SECRET): string {
  const part = (value: unknown): string =>
    base64url.encode(typeof value === "string" ? value : JSON.stringify(value));
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${new Bun.CryptoHasher("sha256", secret).update(input).digest("base64url")}`;
}

const HS256 = { alg: "HS256" };
const good = { sub: "ann", exp: nowSeconds() + 3_600 };
const goodToken = forge(HS256, good);
const [head = "", body = "", signature = ""] = goodToken.split(".");

/** The signature with bits set in its last character that mean nothing: a lax decoder reads the same bytes. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const lastUnit = ALPHABET.indexOf(signature.at(-1) ?? "");
const sameBytes = signature.slice(0, -1) + ALPHABET[lastUnit + 1];

const unsigned = (alg: unknown): string => `${base64url.encode(JSON.stringify({ alg }))}.${body}.`;

const algorithms: readonly (readonly [string, string])[] = [
  ...["none", "None", "NONE", "nOnE", "none ", " none", "none\0", "", "HS0", "hs256", "HS256 "].map(
    (alg) => [`alg ${JSON.stringify(alg)} without a signature`, unsigned(alg)] as const,
  ),
  ["alg none with a good signature", forge({ alg: "none" }, good)],
  ["alg null", forge({ alg: null }, good)],
  ["alg as a list", forge({ alg: ["HS256"] }, good)],
  ["no alg", forge({ typ: "JWT" }, good)],
  [
    "alg twice, the last one none",
    `${base64url.encode('{"alg":"HS256","alg":"none"}')}.${body}.${signature}`,
  ],
  ["RS256 over an HS256 signature", forge({ alg: "RS256" }, good)],
  ["HS512 over an HS256 signature", forge({ alg: "HS512" }, good)],
  ["another secret", forge(HS256, good, "another secret of many bytes 0123")],
  ["an empty secret", forge(HS256, good, "")],
  ["the secret with a line break", forge(HS256, good, `${SECRET}\n`)],
  ["a kid that is a path", forge({ ...HS256, kid: "../../../dev/null" }, good, "\0")],
  ["a kid that is SQL", forge({ ...HS256, kid: "' UNION SELECT 'evil" }, good, "evil")],
  ["an unknown critical extension", forge({ ...HS256, crit: ["x"], x: 1 }, good)],
  ["a critical extension that is not there", forge({ ...HS256, crit: ["exp"] }, good)],
  ["an empty list of critical extensions", forge({ ...HS256, crit: [] }, good)],
  ["critical extensions that are no list", forge({ ...HS256, crit: "b64" }, good)],
  ["an unencoded payload (b64 false, critical)", forge({ ...HS256, b64: false, crit: ["b64"] }, good)],
];

const forms: readonly (readonly [string, string])[] = [
  ["one part", "abc"],
  ["two parts", `${head}.${body}`],
  ["four parts", `${goodToken}.${signature}`],
  ["five parts, as JWE", `${head}..${body}.${signature}.${signature}`],
  ["an empty header", `.${body}.${signature}`],
  ["an empty payload", `${head}..${signature}`],
  ["an empty signature", `${head}.${body}.`],
  ["dots alone", ".."],
  ["a cut signature", goodToken.slice(0, -4)],
  ["a signature and a byte more", `${goodToken}AA`],
  ["a padded signature", `${goodToken}=`],
  ["a padded payload", `${head}.${body}=.${signature}`],
  ["a blank in the signature", `${head}.${body}.${signature.slice(0, 9)} ${signature.slice(9)}`],
  ["a blank behind the header", `${head} .${body}.${signature}`],
  ["a percent-encoded dot", goodToken.replace(".", "%2e")],
  ["two tokens with a comma", `${goodToken},${goodToken}`],
  ["two tokens with a blank", `${goodToken} ${goodToken}`],
  ["a signature written otherwise (bits that mean nothing)", `${head}.${body}.${sameBytes}`],
  ["base64 instead of base64url", `${head}.${body}.${signature.replaceAll("-", "+").replaceAll("_", "/")}+/`],
  ["a header that is no JSON", `${base64url.encode("alg")}.${body}.${signature}`],
  ["a header that is a list", forge([], good)],
  ["a header that is null", forge("null", good)],
  ["a payload that is no JSON", forge(HS256, "sub=ann")],
  ["a payload that is a list", forge(HS256, [good])],
  ["a payload that is a text", forge(HS256, '"ann"')],
  [
    "a payload that is not UTF-8",
    forge(HS256, "").replace("..", `.${base64url.encode(new Uint8Array([0x7b, 0xff]))}.`),
  ],
  ["a token inside of a token", forge({ ...HS256, cty: "JWT" }, JSON.stringify(goodToken))],
  ["8,193 bytes", forge(HS256, { ...good, x: "x".repeat(6_200) })],
];

const times: readonly (readonly [string, unknown])[] = [
  ["no exp", { exp: undefined }],
  ["exp null", { exp: null }],
  ["exp as a text", { exp: String(nowSeconds() + 60) }],
  ["exp as a list", { exp: [nowSeconds() + 60] }],
  ["exp true", { exp: true }],
  ["exp 0", { exp: 0 }],
  ["exp negative", { exp: -1 }],
  ["exp a minute ago", { exp: nowSeconds() - 60 }],
  ["exp 31 s ago with a fraction", { exp: nowSeconds() - 31.5 }],
  ["nbf in a minute", { nbf: nowSeconds() + 60 }],
  ["nbf as a text", { nbf: "0" }],
  ["iat in a minute", { iat: nowSeconds() + 60 }],
  ["iat in the year 9999", { iat: 253_402_300_799 }],
  ["iat as a text", { iat: "0" }],
  ["iat null", { iat: null }],
];

const users: readonly (readonly [string, unknown])[] = [
  ["no sub", { sub: undefined }],
  ["sub null", { sub: null }],
  ["sub as a number", { sub: 7 }],
  ["sub true", { sub: true }],
  ["sub as a list", { sub: ["ann"] }],
  ["sub as an object", { sub: { id: "ann" } }],
  ["sub empty", { sub: "" }],
  ["sub of 257 bytes", { sub: "x".repeat(257) }],
  ["sub of 129 characters and 258 bytes", { sub: "é".repeat(129) }],
  ["sub of everyone", { sub: "*" }],
  ["sub with a line break", { sub: "ann\nbob" }],
  ["sub with a zero byte", { sub: "ann\0" }],
  ["sub with DEL", { sub: "ann\u007f" }],
  ["sub with a C1 control", { sub: "ann\u0085" }],
  ["sub with half a surrogate pair", `{"sub":"ann\\ud800","exp":${good.exp}}`],
  ["sub with a pair in the wrong order", `{"sub":"\\udc00\\ud800","exp":${good.exp}}`],
  ["sub under another name of its own", { sub: undefined, SUB: "ann", Sub: "ann" }],
  ["sub in the prototype", `{"__proto__":{"sub":"ann"},"exp":${good.exp}}`],
];

describe("a relay with a shared secret", () => {
  let relay: TestRelay;

  beforeAll(async () => {
    relay = await startTestRelay({ broker: "embedded", settings: guarded });
  });

  afterAll(() => relay[Symbol.asyncDispose]());

  const claims = (cases: readonly (readonly [string, unknown])[]): (readonly [string, string])[] =>
    cases.map(([name, given]) => [
      name,
      forge(HS256, typeof given === "string" ? given : { ...good, ...(given as object) }),
    ]);

  /** As a header to a plain client and to a stream; and, where a subprotocol can hold it, on an open socket. */
  async function expectRefused(token: string): Promise<void> {
    const headers = { authorization: `Bearer ${token}` };
    expect(await plainAnswer(relay, headers)).toBe("401 token_refused");
    expect(await answerOf(await relay.http("/v1/stream", { headers }))).toBe("401 token_refused");
    if (/^[\w.-]+$/.test(token)) {
      const client = await tidingsClient(relay, token);
      expect((await client.closed()).code).toBe(4401);
    }
    expect(relay.relay.hub.connections).toBe(0);
  }

  test("lets in the good token that the bad ones are made of", async () => {
    const headers = { authorization: `Bearer ${goodToken}` };
    expect(await answerOf(await relay.http("/v1/stream", { method: "HEAD", headers }))).toBe("200");
  });

  test.each(algorithms)("refuses algorithm and header: %s", (_, token) => expectRefused(token));

  test.each(forms)("refuses form: %s", (_, token) => expectRefused(token));

  test.each(claims(times))("refuses time: %s", (_, token) => expectRefused(token));

  test.each(claims(users))("refuses user: %s", (_, token) => expectRefused(token));

  test("refuses form: an encrypted token", async () => {
    const token = await new EncryptJWT(good)
      .setProtectedHeader({ alg: "dir", enc: "A128CBC-HS256" })
      .encrypt(new TextEncoder().encode(SECRET));
    await expectRefused(token);
  });

  test("takes the last sub of two, as RFC 7519 allows, on the handshake as in the log of the user", async () => {
    const client = await tidingsClient(relay, forge(HS256, `{"sub":"bob","exp":${good.exp},"sub":"ann"}`));
    expect(await client.frame("tidings.welcome")).toMatchObject({ payload: { user_id: "ann" } });
    client.close();
  });

  test.each([
    ["two spellings of é (NFC and NFD)", "ren\u00e9e", "rene\u0301e"],
    ["Latin and Cyrillic a", "paula", "p\u0430ula"],
    ["upper and lower case", "Ann", "ann"],
    ["a blank at the end", "ann ", "ann"],
    ["a mark that is not seen", "ann\u200b", "ann"],
    ["full width", "\uff41nn", "ann"],
    ["the prototype's name", "__proto__", "constructor"],
  ])("keeps users apart that look alike: %s", async (_, one, other) => {
    const [first, second] = [
      await tidingsClient(relay, await tokenOf(one)),
      await tidingsClient(relay, await tokenOf(other)),
    ];
    await Promise.all([first.frame("tidings.welcome"), second.frame("tidings.welcome")]);
    await relay.publish({ target_user_id: one, type: "t", payload: one });
    await relay.publish({ target_user_id: other, type: "t", payload: other });
    expect(await first.frame("t")).toMatchObject({ payload: one });
    expect(await second.frame("t")).toMatchObject({ payload: other });
    expect([first.frames.length, second.frames.length]).toEqual([2, 2]);
    first.close();
    second.close();
  });
});

describe("audience and issuer", () => {
  let relay: TestRelay;

  beforeAll(async () => {
    const settings = { ...guarded, jwt_audience: "relay", jwt_issuer: "https://id.test" };
    relay = await startTestRelay({ broker: "embedded", settings });
  });

  afterAll(() => relay[Symbol.asyncDispose]());

  test.each([
    ["as set", {}, "200"],
    ["aud among others", { aud: ["shop", "relay"] }, "200"],
    ["no aud", { aud: undefined }, "401 token_refused"],
    ["aud of another", { aud: "shop" }, "401 token_refused"],
    ["aud that begins alike", { aud: "relay.evil.test" }, "401 token_refused"],
    ["aud in capitals", { aud: "RELAY" }, "401 token_refused"],
    ["aud empty", { aud: "" }, "401 token_refused"],
    ["aud an empty list", { aud: [] }, "401 token_refused"],
    ["aud a list of others", { aud: ["shop", "admin"] }, "401 token_refused"],
    ["aud a list in a list", { aud: [["relay"]] }, "401 token_refused"],
    ["aud an object", { aud: { relay: true } }, "401 token_refused"],
    ["aud true", { aud: true }, "401 token_refused"],
    ["no iss", { iss: undefined }, "401 token_refused"],
    ["iss with a slash more", { iss: "https://id.test/" }, "401 token_refused"],
    ["iss over http", { iss: "http://id.test" }, "401 token_refused"],
    ["iss in capitals", { iss: "https://ID.test" }, "401 token_refused"],
    ["iss a list", { iss: ["https://id.test"] }, "401 token_refused"],
    ["iss with a user before it", { iss: "https://id.test@evil.test" }, "401 token_refused"],
  ])("are compared exactly: %s", async (_, claims, expected) => {
    const whole = { ...good, aud: "relay", iss: "https://id.test", ...claims };
    const headers = { authorization: `Bearer ${forge(HS256, whole)}` };
    const { status } = await relay.http("/v1/stream", { method: "HEAD", headers });
    expect(String(status)).toBe(expected.slice(0, 3));
    if (expected !== "200") expect(await plainAnswer(relay, headers)).toBe(expected);
  });
});
