import { describe, expect, test } from "bun:test";
import { OriginPolicy } from "./origin.ts";

function allowed(pattern: string, origin: string): boolean {
  return new OriginPolicy([pattern]).allows(origin, "relay.internal:8080");
}

describe("without patterns", () => {
  const policy = new OriginPolicy([]);

  test("a request without Origin is allowed, since no page in a browser sends it", () => {
    expect(policy.allows(null, "relay.example")).toBe(true);
    expect(policy.allows(null, null)).toBe(true);
  });

  test.each([
    ["http://relay.example", "relay.example"],
    ["https://relay.example", "relay.example"],
    ["https://relay.example", "relay.example:443"],
    ["https://relay.example:443", "relay.example"],
    ["http://relay.example:8080", "relay.example:8080"],
    ["https://Relay.Example", "rELAY.eXAMPLE"],
    ["http://[::1]:8080", "[::1]:8080"],
    ["http://127.0.0.1:8080", "127.0.0.1:8080"],
  ])("%s is the relay's own origin where Host is %s", (origin, host) => {
    expect(policy.allows(origin, host)).toBe(true);
  });

  test.each([
    ["https://evil.io", "relay.example"],
    ["https://relay.example.evil.io", "relay.example"],
    ["https://evilrelay.example", "relay.example"],
    ["https://sub.relay.example", "relay.example"],
    ["https://relay.example:444", "relay.example"],
    ["https://relay.example", "relay.example:80"],
    ["http://relay.example:443", "relay.example"],
    ["https://relay.example.", "relay.example"],
    ["capacitor://relay.example", "relay.example"],
    ["https://relay.example", null],
    ["https://relay.example", ""],
    ["https://a", "a/b"],
    ["https://a", "b@a"],
    ["https://*", "*"],
    ["null", "relay.example"],
    ["null", "null"],
  ])("%s is refused where Host is %s", (origin, host) => {
    expect(policy.allows(origin, host)).toBe(false);
  });
});

describe("what is no origin as a browser writes it is refused, whatever the patterns", () => {
  const policy = new OriginPolicy(["https://*.example.com", "https://app.example.com", "http://localhost:*"]);

  test.each([
    "",
    " ",
    "app.example.com",
    "//app.example.com",
    "https://app.example.com/",
    "https://app.example.com/path",
    "https://app.example.com?x",
    "https://app.example.com#x",
    "https://app.example.com:",
    "https://app.example.com:44a",
    "https://app.example.com:123456",
    "https://app.example.com\\.evil.io",
    "https://app.example.com, https://evil.io",
    "https://evil.io, https://app.example.com",
    "https://app.example.com https://evil.io",
    "https://user@app.example.com",
    "https://evil.io/https://app.example.com",
    "https://evil.io/.example.com",
    "https://evil.io#.example.com",
    "https://evil.io:80.example.com",
    "https://evil.io%2f.example.com",
    "https://.example.com",
    "https://a..example.com",
    "https://*.example.com",
    "https://app.example.com\n",
    "https:app.example.com",
    "http://localhost:8080@evil.io",
    "http://localhost:",
    "http://localhost:5173\u0000",
    "https://app.example.com\u212a",
    "http\u017f://app.example.com",
  ])("%j", (origin) => {
    expect(policy.allows(origin, "relay.example")).toBe(false);
  });
});

describe("a pattern", () => {
  test.each([
    ["https://app.example.com", "https://app.example.com"],
    ["https://app.example.com", "https://APP.example.com"],
    ["HTTPS://App.Example.COM", "https://app.example.com"],
    ["https://app.example.com", "https://app.example.com:443"],
    ["https://app.example.com:443", "https://app.example.com"],
    ["https://app.example.com:8443", "https://app.example.com:8443"],
    ["https://*.example.com", "https://a.example.com"],
    ["https://*.example.com", "https://a.b.example.com"],
    ["https://*.example.com:8443", "https://a.example.com:8443"],
    ["http://localhost:*", "http://localhost"],
    ["http://localhost:*", "http://localhost:5173"],
    ["http://[::1]:*", "http://[::1]:5173"],
    ["https://preview-*.example.com", "https://preview-42.example.com"],
    ["https://*-preview.example.com", "https://x-preview.example.com"],
    ["https://*.eu-*.example.com", "https://a.b.eu-1.example.com"],
    ["https://*", "https://anything.example"],
    ["https://*:*", "https://anything.example:99"],
    ["*://localhost", "http://localhost"],
    ["*://localhost", "https://localhost"],
    ["*://localhost:*", "http://localhost:3000"],
    ["capacitor://localhost", "capacitor://localhost"],
    ["chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"],
    ["*", "https://anything.example:99"],
    ["*", "null"],
    ["null", "null"],
  ])("%s allows %s", (pattern, origin) => {
    expect(allowed(pattern, origin)).toBe(true);
  });

  test.each([
    ["https://app.example.com", "http://app.example.com"],
    ["https://app.example.com", "https://app.example.com.evil.io"],
    ["https://app.example.com", "https://evilapp.example.com"],
    ["https://app.example.com", "https://app.example.com:444"],
    ["https://app.example.com", "https://appxexample.com"],
    ["https://*.example.com", "https://example.com"],
    ["https://*.example.com", "https://evilexample.com"],
    ["https://*.example.com", "https://a.example.com.evil.io"],
    ["https://*.example.com", "https://a.example.com:444"],
    ["https://*.example.com", "http://a.example.com"],
    ["https://preview-*.example.com", "https://preview-x.evil.example.com"],
    ["https://preview-*.example.com", "https://preview-x.evil.io"],
    ["https://ab*ba.example.com", "https://aba.example.com"],
    ["https://*.eu-*.example.com", "https://eu-1.example.com"],
    ["http://localhost:*", "http://localhost.evil.io:80"],
    ["http://localhost:*", "https://localhost:8080"],
    ["*://localhost", "http://localhost:3000"],
    ["https://*", "http://anything.example"],
    ["https://*", "https://anything.example:99"],
    ["https://*.example.com", "null"],
    ["https://null", "null"],
    ["null", "https://null"],
  ])("%s does not allow %s", (pattern, origin) => {
    expect(allowed(pattern, origin)).toBe(false);
  });

  test.each([
    "",
    "app.example.com",
    "https://",
    "https://app.example.com/",
    "https://a**.example.com",
    "https://*a*.example.com",
    "ht*://example.com",
    "https://example.com:80*",
    "https://bücher.example",
    "https://user@example.com",
  ])("%j cannot be one, and says so at construction", (pattern) => {
    expect(() => new OriginPolicy([pattern])).toThrow(/^allowed_origins: /);
  });
});

test("letters that only become ASCII in lower case do not pass for it", () => {
  expect(allowed("https://kit.example", "https://\u212ait.example")).toBe(false);
});

test("each of several patterns allows its own", () => {
  const policy = new OriginPolicy(["https://a.example", "null", "http://localhost:*"]);
  for (const origin of ["https://a.example", "null", "http://localhost:1"]) {
    expect(policy.allows(origin, "relay.example")).toBe(true);
  }
  expect(policy.allows("https://b.example", "relay.example")).toBe(false);
});

test("a megabyte of hostile Origin is answered", () => {
  const policy = new OriginPolicy(["https://*.a*a.a*a.example.com", "https://x*x.x*x"]);
  for (const unit of ["a.", "a", "x", ".", "-", ":", "["]) {
    expect(policy.allows(`https://${unit.repeat(1_000_000 / unit.length)}`, "relay.example")).toBe(false);
  }
});
