import { expect, test } from "bun:test";
import { authSettingsFault, authWarnings } from "./auth-settings.ts";
import { authSettings, SECRET } from "./test-support.ts";

test("one key, or the development mode alone, is enough", () => {
  expect(authSettingsFault(authSettings({ jwt_secret: SECRET }))).toBeNull();
  expect(authSettingsFault(authSettings({ jwt_public_key: "/run/key.pem" }))).toBeNull();
  expect(authSettingsFault(authSettings({ jwks_url: "https://id.example/keys" }))).toBeNull();
  expect(authSettingsFault(authSettings({ insecure_user_id: true }))).toBeNull();
});

test("two keys are a fault that names both", () => {
  const fault = authSettingsFault(authSettings({ jwt_secret: SECRET, jwks_url: "https://id.example/keys" }));
  expect(fault).toContain("jwt_secret and jwks_url");
});

test("no way in at all is a fault", () => {
  expect(authSettingsFault(authSettings({}))).toContain("nobody could connect");
});

test.each([
  ["jwt_audience", { jwt_audience: "a" }],
  ["jwt_issuer", { jwt_issuer: "i" }],
  ["token_cookie", { token_cookie: "session" }],
  ["query_token", { query_token: true }],
] as const)(
  "%s without a key is a fault, since it would promise a check that nothing makes",
  (name, given) => {
    const fault = authSettingsFault(authSettings({ insecure_user_id: true, ...given }));
    expect(fault).toStartWith(`${name} has no effect without a key`);
  },
);

test("a public key given as the shared secret is a fault, since everyone who knows it could sign", () => {
  const pem = "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----";
  expect(authSettingsFault(authSettings({ jwt_secret: pem }))).toContain("jwt_public_key");
});

test("a name that no cookie can have is a fault", () => {
  expect(authSettingsFault(authSettings({ jwt_secret: SECRET, token_cookie: "a=b" }))).toContain(
    "token_cookie",
  );
});

test("a secret under 32 bytes works, with a warning that does not repeat it", () => {
  expect(authSettingsFault(authSettings({ jwt_secret: "hunter2" }))).toBeNull();
  const [warning = ""] = authWarnings(authSettings({ jwt_secret: "hunter2" }));
  expect(warning).toStartWith("jwt_secret has 7 bytes");
  expect(warning).not.toContain("hunter2");
  expect(authWarnings(authSettings({ jwt_secret: SECRET }))).toEqual([]);
});

test("a key set over plain http or without an audience comes with a warning, one on loopback without the first", () => {
  const warnings = authWarnings(authSettings({ jwks_url: "http://id.example/keys" }));
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toContain("not https");
  expect(warnings[1]).toContain("jwt_audience");
  expect(authWarnings(authSettings({ jwks_url: "http://127.0.0.1:1/k", jwt_audience: "a" }))).toEqual([]);
});

test("development modes come with a warning each", () => {
  const warnings = authWarnings(
    authSettings({ jwt_secret: SECRET, insecure_user_id: true, query_token: true }),
  );
  expect(warnings.map((warning) => warning.split(" ")[0])).toEqual(["insecure_user_id", "query_token"]);
});
