import { describe, expect, test } from "bun:test";
import { BrokerUnavailable } from "../broker/broker.ts";
import { authSettings, forgedToken, NOW, outcome, SECRET } from "./test-support.ts";
import type { ClaimOnce } from "./tickets.ts";
import { secretKeys } from "./token-keys.ts";
import { TokenVerifier } from "./token-verifier.ts";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";

const claimed = new Map<string, number>();

const claimOnce: ClaimOnce = async (key, ttlMs) => {
  if (claimed.has(key)) return false;
  claimed.set(key, ttlMs);
  return true;
};

function verifierWith(claim?: ClaimOnce): TokenVerifier {
  return new TokenVerifier({
    keys: secretKeys(SECRET),
    settings: authSettings({}),
    clock: new ManualClock(),
    onFault: () => {},
    ...(claim === undefined ? {} : { claimOnce: claim }),
  });
}

const verifier = verifierWith(claimOnce);

function ticket(claims: Readonly<Record<string, unknown>> = {}): string {
  const payload = { sub: "ann", jti: crypto.randomUUID(), exp: NOW + 60, single_use: true, ...claims };
  return forgedToken({ alg: "HS256" }, payload);
}

describe("a ticket", () => {
  test("lets in once, and is remembered for as long as any relay could accept it", async () => {
    const token = ticket({ jti: "j1" });
    expect(outcome(await verifier.verify(token))).toBe("ann");
    expect(outcome(await verifier.verify(token))).toBe("used: the ticket was used before; each lets in once");
    expect(claimed.get("tidings:ticket:j1")).toBe(60_000 + 2 * 30_000);
  });

  test("lets in until its own end, or for as long as it says that the session holds", async () => {
    const plain = await verifier.verify(ticket());
    expect(plain).toMatchObject({ ok: true, identity: { userId: "ann", expiresAt: (NOW + 60) * 1_000 } });
    const long = await verifier.verify(ticket({ session_exp: NOW + 900 }));
    expect(long).toMatchObject({ ok: true, identity: { userId: "ann", expiresAt: (NOW + 900) * 1_000 } });
  });

  const refused: [string, Record<string, unknown>, string][] = [
    [
      "whose single_use is neither",
      { single_use: "yes" },
      "refused: the token's single_use is neither true nor false",
    ],
    ["without jti", { jti: undefined }, "refused: the ticket has no jti, which tells it from others"],
    ["with an empty jti", { jti: "" }, "refused: the ticket's jti must not be empty"],
    ["with a long jti", { jti: "x".repeat(129) }, "refused: the ticket's jti must be at most 128 bytes"],
    ["that holds for long", { exp: NOW + 3_601 }, "refused: the ticket holds for more than an hour"],
    [
      "whose session ends before it",
      { session_exp: NOW + 59 },
      "refused: the ticket's session_exp is not a time at or after its exp",
    ],
    [
      "whose session's end is no number",
      { session_exp: null },
      "refused: the ticket's session_exp is not a time at or after its exp",
    ],
  ];

  test.each(refused)("%s is refused", async (_, claims, expected) => {
    expect(outcome(await verifier.verify(ticket(claims)))).toBe(expected);
  });

  test("that does not hold for another reason is not used up", async () => {
    const before = claimed.size;
    const forged = ticket().replace(/[^.]*$/, "");
    for (const token of [ticket({ exp: NOW - 31 }), ticket({ sub: "*" }), forged]) {
      expect(outcome(await verifier.verify(token))).not.toBe("ann");
    }
    expect(claimed.size).toBe(before);
  });

  test("is not let in where nobody can tell whether it was used", async () => {
    const unreachable = verifierWith(() => Promise.reject(new BrokerUnavailable("no Redis")));
    for (const broken of [unreachable, verifierWith()]) {
      expect(outcome(await broken.verify(ticket()))).toStartWith("unavailable: ");
    }
  });

  test("says so by single_use: other tokens let in as often as they like", async () => {
    const token = ticket({ single_use: false, session_exp: NOW + 900 });
    for (let count = 0; count < 2; count += 1) {
      const result = await verifier.verify(token);
      expect(result).toMatchObject({ ok: true, identity: { userId: "ann", expiresAt: (NOW + 60) * 1_000 } });
    }
  });
});
