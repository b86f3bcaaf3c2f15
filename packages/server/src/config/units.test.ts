import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { z } from "zod";
import { address, cidrList, originList, redisUrl } from "./addresses.ts";
import { bytes, duration, formatBytes, formatDuration, parseBytes, parseDuration } from "./quantities.ts";
import { choice, count, countOrAuto, flag, port, secret, text } from "./units.ts";

/** What is wrong with a value, or an empty text where nothing is. */
function fault(type: z.ZodType, value: unknown): string {
  return type.safeParse(value).error?.issues[0]?.message ?? "";
}

describe("a size", () => {
  const size = bytes({ min: "1KiB", max: "1GiB" });
  test.each([
    [65_536, 65_536],
    ["65536", 65_536],
    ["2048B", 2_048],
    ["64KiB", 65_536],
    ["64KB", 64_000],
    ["1 MiB", 1_048_576],
    ["1MB", 1_000_000],
    ["1.5MiB", 1_572_864],
    ["1GiB", 1_073_741_824],
  ])("written as %p is %p bytes", (written, expected) => {
    expect(size.parse(written)).toBe(expected);
  });
  test.each(["64K", "-1", "1e6", "", "MiB", "1.0000001KiB", true, null, {}, 1.5])("is not %p", (written) => {
    expect(fault(size, written)).toContain("is not a size; write a size from 1KiB to 1GiB");
  });
  test.each(["1023", "2GiB"])("out of its bounds, %p, is refused with the bounds", (written) => {
    expect(fault(size, written)).toContain("out of range; write a size from 1KiB to 1GiB");
  });
  test("survives being written and read", () => {
    fc.assert(fc.property(fc.nat(), (amount) => parseBytes(formatBytes(amount)) === amount));
  });
});

describe("a count that may be auto", () => {
  const type = countOrAuto({ min: 1, max: 256 });
  test("is a number or the word", () => {
    expect([1, "256", "auto", " AUTO "].map((written) => type.parse(written))).toEqual([
      1,
      256,
      "auto",
      "auto",
    ]);
  });
  test.each([0, "257", "some", "", null, true, 1.5])("is not %p", (written) => {
    expect(fault(type, written)).toContain("write a whole number from 1 to 256, or `auto`");
  });
});

describe("a duration", () => {
  const time = duration({ min: "100ms", max: "2h" });
  test.each([
    ["500ms", 500],
    ["25s", 25_000],
    ["1.1s", 1_100],
    ["10m", 600_000],
    ["1h", 3_600_000],
  ])("written as %p is %p ms", (written, expected) => {
    expect(time.parse(written)).toBe(expected);
  });
  test.each(["25", 25])("without a unit, %p, is refused with what to write", (written) => {
    expect(fault(time, written)).toContain("has no unit; write `25ms` or `25s`");
  });
  test.each(["25 seconds", "S25", "", "-1s", "0.5ms", false])("is not %p", (written) => {
    expect(fault(time, written)).toContain("is not a duration; write a duration from 100ms to 2h");
  });
  test("out of its bounds is refused", () => {
    expect(fault(time, "3h")).toContain("out of range");
    expect(fault(time, "0s")).toContain("out of range");
  });
  test("survives being written and read", () => {
    fc.assert(fc.property(fc.nat(), (amount) => parseDuration(formatDuration(amount)) === amount));
  });
});

describe("a switch", () => {
  test.each([true, "true", "on", "1", "yes", 1, " ON "])("is on as %p", (written) => {
    expect(flag().parse(written)).toBe(true);
  });
  test.each([false, "false", "off", "0", "no", 0])("is off as %p", (written) => {
    expect(flag().parse(written)).toBe(false);
  });
  test.each(["maybe", 2, "", null])("is neither as %p", (written) => {
    expect(fault(flag(), written)).toContain("is not a yes or a no; write `true` or `false`");
  });
});

test("a port is 0 to 65535", () => {
  expect(port().parse("8080")).toBe(8080);
  expect(port().parse(0)).toBe(0);
  for (const wrong of ["65536", "-1", "80a", "0x50", 1.5, ""])
    expect(fault(port(), wrong)).toContain("is not a port");
});

test("a number out of range is told the range", () => {
  expect(fault(count({ min: 1, max: 10 }), 11)).toBe(
    "11 is not in the range; write a whole number from 1 to 10",
  );
});

test("a word that is none of the choices is told them", () => {
  expect(choice(["newest", "oldest"]).parse("Oldest")).toBe("oldest");
  expect(fault(choice(["newest", "oldest"]), "young")).toContain("one of `newest`, `oldest`");
});

test("a number where text is wanted is told to be quoted", () => {
  expect(fault(text(8), 12)).toContain("quotes");
  expect(fault(text(8), "123456789")).toContain("longer than 8 bytes");
  expect(fault(text(8), "a\nb")).toContain("control characters");
});

test("a secret that cannot be is never repeated", () => {
  for (const wrong of ["   ", 123_456]) expect(fault(secret(), wrong)).not.toContain("123456");
});

test("an address of Redis needs a known scheme and a host, and its password is never repeated", () => {
  for (const right of ["redis://localhost", "rediss://u:p%40w@redis.internal:6380/0", "redis://[::1]:6379"]) {
    expect(redisUrl().parse(right)).toBe(right);
  }
  for (const wrong of [
    "localhost:6379",
    "http://u:geheim@x",
    "redis://u:geheim@x/a/b",
    "redis://u:100%geheim@x",
    6379,
  ]) {
    expect(fault(redisUrl(), wrong)).toContain("write");
    expect(fault(redisUrl(), wrong)).not.toContain("geheim");
  }
});

test("a host to listen on carries no scheme and no port", () => {
  for (const right of ["0.0.0.0", "::", "localhost", "relay-1.internal"])
    expect(address().parse(right)).toBe(right);
  expect(address().parse("[::1]")).toBe("::1");
  for (const wrong of ["http://x", "localhost:80", "1.2.3", "256.1.1.1", "", "a b"]) {
    expect(fault(address(), wrong)).toContain("is not an address to listen on");
  }
});

test("a list comes separated by commas or as a list of the file", () => {
  expect(cidrList().parse("10.0.0.0/8, ::1,")).toEqual(["10.0.0.0/8", "::1"]);
  expect(cidrList().parse(["10.0.0.0/8", "fd00::/8"])).toEqual(["10.0.0.0/8", "fd00::/8"]);
  for (const wrong of ["10.0.0.0/33", "10.0.0", "::1/129", "::1/", "10.0.0.0/8/8"]) {
    expect(fault(cidrList(), wrong)).toContain(`${JSON.stringify(wrong)} is not an address or a network`);
  }
  expect(fault(cidrList(), [1])).toContain("is not a list");
});

test("an origin has a scheme and no path", () => {
  for (const right of ["https://*.example.com", "http://localhost:*", "http://[::1]:*", "*"]) {
    expect(originList().parse(right)).toEqual([right]);
  }
  for (const wrong of ["example.com", "https://example.com/", "https://a b"]) {
    expect(fault(originList(), wrong)).toContain("is not an origin; write origins without a path");
  }
});
