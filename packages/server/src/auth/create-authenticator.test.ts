import { expect, test } from "bun:test";
import { inspect } from "node:util";
import type { AuthSettings } from "./auth-settings.ts";
import type { Authenticator } from "./authenticator.ts";
import { createAuthenticator } from "./create-authenticator.ts";
import { authSettings, forgedToken, goodClaims, NOW, outcome, SECRET } from "./test-support.ts";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";

function authenticatorOf(settings: Partial<AuthSettings>): Authenticator {
  return createAuthenticator({
    settings: authSettings(settings),
    clock: new ManualClock(),
    fetch: () => Promise.reject(new Error("nothing is fetched without jwks_url")),
  });
}

function request(headers: Record<string, string> = {}, query = ""): Request {
  return new Request(`http://relay/ws${query}`, { headers });
}

const token = forgedToken({ alg: "HS256" }, goodClaims());

test("a request is let in by its token, until the token's end", async () => {
  const result = await authenticatorOf({ jwt_secret: SECRET }).authenticate(
    request({ "sec-websocket-protocol": `tidings.v1, tidings.token.${token}` }),
  );
  expect(result).toEqual({ ok: true, identity: { userId: "ann", expiresAt: (NOW + 3_600) * 1_000 } });
});

test("a token that was sent on the open socket is judged alike", async () => {
  const authenticator = authenticatorOf({ jwt_secret: SECRET });
  expect(outcome(await authenticator.verify(token))).toBe("ann");
  expect(outcome(await authenticator.verify("nonsense"))).toBe(
    "malformed: the token is not a well-formed JWT",
  );
});

test("a broken first credential is refused although a good one comes later", async () => {
  const authenticator = authenticatorOf({ jwt_secret: SECRET, token_cookie: "session", query_token: true });
  const headers = { authorization: "Bearer nonsense", cookie: `session=${token}` };
  const result = await authenticator.authenticate(request(headers, `?token=${token}`));
  expect(outcome(result)).toBe("malformed: the token is not a well-formed JWT");
});

test("a request without credential is refused as missing", async () => {
  const result = await authenticatorOf({ jwt_secret: SECRET }).authenticate(request());
  expect(outcome(result)).toBe("missing: the request carries no token");
});

test("a user id is believed without end where the setting says so, and must be one that a user can have", async () => {
  const authenticator = authenticatorOf({ insecure_user_id: true });
  expect(await authenticator.authenticate(request({}, "?user_id=ann"))).toEqual({
    ok: true,
    identity: { userId: "ann", expiresAt: null },
  });
  const everyone = outcome(await authenticator.authenticate(request({}, "?user_id=*")));
  expect(everyone).toStartWith("refused: the user_id parameter must");
});

test("a token is refused, not ignored, where the relay has no key for it", async () => {
  const authenticator = authenticatorOf({ insecure_user_id: true });
  const headers = { authorization: `Bearer ${token}` };
  const result = await authenticator.authenticate(request(headers, "?user_id=ann"));
  expect(outcome(result)).toBe("refused: the relay has no key to verify a token with, only insecure_user_id");
});

test("settings that contradict each other fail at construction", () => {
  expect(() => authenticatorOf({})).toThrow(TypeError);
  expect(() => authenticatorOf({ jwt_secret: SECRET, jwt_public_key: "x" })).toThrow("only one of");
  expect(() => authenticatorOf({ jwt_public_key: "/no/such/file" })).toThrow("jwt_public_key");
});

test("no refusal repeats the token, and no authenticator shows its secret when it is printed", async () => {
  const authenticator = authenticatorOf({ jwt_secret: SECRET });
  for (const bad of [
    token.slice(0, -3),
    `${token}x`,
    `${token}.y`,
    forgedToken({ alg: "none" }, goodClaims()),
  ]) {
    const refusal = JSON.stringify(await authenticator.verify(bad));
    for (const part of bad.split(".").filter(({ length }) => length > 4)) expect(refusal).not.toContain(part);
  }
  expect(inspect(authenticator, { depth: 9, showHidden: true })).not.toContain(SECRET);
});
