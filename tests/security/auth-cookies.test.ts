import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";
import { guarded, plainAnswer, tokenOf } from "./auth-support.ts";

/** The relay as browsers know it: a proxy in front passes this on. */
const HOST = "relay.test";
const OPEN = "101";
const REFUSED = "403 origin_refused";

/** What a page has a browser send beside the visitor's cookie, and how the relay answers without any allowed origin. */
const strict: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  ["the relay's own page", { origin: "https://relay.test" }, OPEN],
  ["the relay's own page, with its port", { origin: "https://relay.test:443" }, OPEN],
  ["the relay's own page, in capitals", { origin: "HTTPS://Relay.TEST" }, OPEN],
  ["a page of another site", { origin: "https://evil.test" }, REFUSED],
  ["a page of the same host on another port", { origin: "https://relay.test:8443" }, REFUSED],
  [
    "a page over http behind a proxy that speaks https",
    { origin: "http://relay.test", "x-forwarded-proto": "https" },
    REFUSED,
  ],
  [
    "the same, through two proxies",
    { origin: "http://relay.test", "x-forwarded-proto": "HTTPS, http" },
    REFUSED,
  ],
  [
    "a page over https behind a proxy whose inner hop is http",
    { origin: "https://relay.test", "x-forwarded-proto": "http" },
    OPEN,
  ],
  ["a sandboxed frame or a file", { origin: "null" }, REFUSED],
  ["a subdomain", { origin: "https://a.relay.test" }, REFUSED],
  ["the domain above", { origin: "https://test" }, REFUSED],
  ["a name that begins alike", { origin: "https://relay.test.evil.test" }, REFUSED],
  ["a name that ends alike", { origin: "https://evilrelay.test" }, REFUSED],
  ["a dot at the end", { origin: "https://relay.test." }, REFUSED],
  ["a user before another host", { origin: "https://relay.test@evil.test" }, REFUSED],
  ["a path behind another host", { origin: "https://evil.test/https://relay.test" }, REFUSED],
  ["a backslash", { origin: "https://evil.test\\@relay.test" }, REFUSED],
  ["two origins with a comma", { origin: "https://relay.test, https://evil.test" }, REFUSED],
  ["two origins with a blank", { origin: "https://evil.test https://relay.test" }, REFUSED],
  ["letters that look alike", { origin: "https://xn--rely-63d.test" }, REFUSED],
  ["another scheme", { origin: "chrome-extension://relay.test" }, REFUSED],
  ["a star", { origin: "https://*" }, REFUSED],
  ["an empty origin", { origin: "" }, REFUSED],
  ["a page that hides where it comes from", { "sec-fetch-site": "cross-site" }, REFUSED],
  ["a page of a neighbouring subdomain that hides it", { "sec-fetch-site": "same-site" }, REFUSED],
  ["a program without a page", {}, OPEN],
  [
    "another Host that the page's origin fits",
    { origin: "https://evil.test", "x-forwarded-host": "evil.test" },
    REFUSED,
  ],
];

describe("a visitor's cookie", () => {
  let relay: TestRelay;
  let cookie: string;

  beforeAll(async () => {
    const settings = { ...guarded, token_cookie: "session" };
    relay = await startTestRelay({ broker: "embedded", settings });
    cookie = `theme=dark; session=${await tokenOf("ann")}`;
  });

  afterAll(() => relay[Symbol.asyncDispose]());

  test.each(strict)(
    "opens a socket, unless nothing is allowed and it comes from elsewhere: %s",
    async (_, headers, expected) => {
      expect(await plainAnswer(relay, { host: HOST, cookie, ...headers })).toBe(expected);
    },
  );

  test.each(strict)("opens a stream, readable by its page alone: %s", async (_, headers, expected) => {
    const all = { host: HOST, cookie, ...headers };
    const response = await relay.http("/v1/stream", { method: "HEAD", headers: all });
    expect(response.status).toBe(expected === OPEN ? 200 : 403);
    const readableBy = expected === OPEN ? (headers["origin"] ?? null) : null;
    expect(response.headers.get("access-control-allow-origin")).toBe(readableBy);
    expect(response.headers.get("access-control-allow-credentials")).toBe(
      readableBy === null ? null : "true",
    );
    expect(response.headers.get("vary")).toBe("Origin");
    const preflight = await relay.http("/v1/stream", {
      method: "OPTIONS",
      headers: {
        ...all,
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
      },
    });
    expect(preflight.headers.get("access-control-allow-origin")).toBe(readableBy);
  });

  test("is not even looked at for a page from elsewhere", async () => {
    const headers = { host: HOST, origin: "https://evil.test", cookie: "session=nonsense" };
    expect(await plainAnswer(relay, headers)).toBe(REFUSED);
  });

  test("opens no call of the API: those take the key alone, and tell no page anything", async () => {
    const init = { headers: { host: HOST, cookie, origin: "https://relay.test" } };
    for (const [method, path] of [
      ["POST", "/v1/publish"],
      ["GET", "/v1/users/ann"],
      ["DELETE", "/v1/users/ann/connections"],
      ["POST", "/v1/revocations"],
    ] as const) {
      const response = await relay.http(path, { method, ...init });
      expect(response.status).toBe(401);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    }
  });
});

describe("allowed origins", () => {
  let relay: TestRelay;
  let cookie: string;

  beforeAll(async () => {
    const allowed_origins = ["https://app.test", "https://*.app.test", "http://localhost:*"];
    const settings = { ...guarded, token_cookie: "session", allowed_origins };
    relay = await startTestRelay({ broker: "embedded", settings });
    cookie = `session=${await tokenOf("ann")}`;
  });

  afterAll(() => relay[Symbol.asyncDispose]());

  test.each([
    ["https://app.test", OPEN],
    ["https://a.b.app.test", OPEN],
    ["http://localhost:5173", OPEN],
    ["http://app.test", REFUSED],
    ["https://app.test:8443", REFUSED],
    ["https://app.test.", REFUSED],
    ["https://.app.test", REFUSED],
    ["https://app.test.evil.test", REFUSED],
    ["https://evilapp.test", REFUSED],
    ["https://evil.test/.app.test", REFUSED],
    ["https://evil.test#.app.test", REFUSED],
    ["https://localhost:5173", REFUSED],
    ["http://localhost.evil.test:80", REFUSED],
    ["http://127.0.0.1:5173", REFUSED],
    ["null", REFUSED],
  ])("are matched whole: %s", async (origin, expected) => {
    expect(await plainAnswer(relay, { host: HOST, cookie, origin })).toBe(expected);
  });
});
