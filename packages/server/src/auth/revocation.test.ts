import { describe, expect, test } from "bun:test";
import { parseRevocation, readRevocation, revocationText } from "./revocation.ts";
import { NOW } from "./test-support.ts";

describe("a revocation is read", () => {
  const forms: readonly Readonly<Record<string, unknown>>[] = [
    { jti: "t1" },
    { user_id: "ann" },
    { user_id: "ann", issued_before: NOW },
    { issued_before: NOW + 30 },
    { issued_before: 0.5 },
    { jti: "é".repeat(128) },
    { user_id: 'x" , "jti":"y' },
  ];

  test.each(forms)("where it is %j, and is the same from its text", (given) => {
    const revocation = readRevocation(given, NOW * 1_000);
    if (typeof revocation === "string") throw new Error(revocation);
    expect(revocation).toEqual(given);
    expect(parseRevocation(revocationText(revocation))).toEqual(given);
  });

  test("to the same text, in whichever order it is written", () => {
    const one = readRevocation({ issued_before: 1, user_id: "ann" }, NOW * 1_000);
    const other = readRevocation({ user_id: "ann", issued_before: 1 }, NOW * 1_000);
    if (typeof one === "string" || typeof other === "string") throw new Error("neither is a fault");
    expect(revocationText(one)).toBe(revocationText(other));
  });
});

describe("a revocation is refused, and never widened,", () => {
  const faults: readonly [Readonly<Record<string, unknown>>, string][] = [
    [{}, "nothing means nobody"],
    [{ user: "ann" }, "a field beside"],
    [{ user_id: "ann", ussued_before: 1 }, "a field beside"],
    [{ user_id: "*" }, 'must not be "*"'],
    [{ user_id: "" }, "must not be empty"],
    [{ user_id: null }, "not a string"],
    [{ user_id: ["ann"] }, "not a string"],
    [{ user_id: "a\nb" }, "control characters"],
    [{ user_id: "x".repeat(257) }, "at most 256 bytes"],
    [{ user_id: "\ud800" }, "well-formed"],
    [{ jti: 7 }, "not a string"],
    [{ jti: "" }, "must not be empty"],
    [{ jti: "x".repeat(257) }, "at most 256 bytes"],
    [{ jti: "t1", user_id: "ann" }, "one token"],
    [{ jti: "t1", issued_before: 1 }, "one token"],
    [{ issued_before: "1" }, "not a time"],
    [{ issued_before: null }, "not a time"],
    [{ issued_before: -1 }, "not a time"],
    [{ issued_before: Number.NaN }, "not a time"],
    [{ issued_before: NOW + 31 }, "in the future"],
    [{ issued_before: NOW * 1_000 }, "in the future"],
  ];

  test.each(faults)("where it is %j", (given, fault) => {
    expect(readRevocation(given, NOW * 1_000)).toContain(fault);
  });

  test.each(["", "null", "[]", "{}", "7", '"ann"', '{"user_id":"ann","more":1}', '{ "user_id":"ann"}'])(
    "where its text is %s",
    (text) => {
      expect(parseRevocation(text)).toBeNull();
    },
  );
});
