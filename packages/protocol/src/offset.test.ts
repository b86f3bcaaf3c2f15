import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatOffset, parseSince } from "./offset.ts";

const epoch = fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/);
const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });

test("an offset that was formatted is read back, for a user and for broadcasts, in any order", () => {
  fc.assert(
    fc.property(epoch, number, epoch, number, fc.boolean(), (userEpoch, userN, allEpoch, allN, swap) => {
      const parts = [formatOffset("ann", userEpoch, userN), formatOffset("*", allEpoch, allN)];
      const text = (swap ? parts.toReversed() : parts).join(",");
      expect(parseSince(text)).toEqual({
        user: { epoch: userEpoch, n: userN },
        broadcast: { epoch: allEpoch, n: allN },
      });
    }),
  );
});

test("a log that is not named starts live", () => {
  expect(parseSince("e.5")).toEqual({ user: { epoch: "e", n: 5 }, broadcast: null });
  expect(parseSince("*e.0")).toEqual({ user: null, broadcast: { epoch: "e", n: 0 } });
});

test("earliest asks both logs for all they hold", () => {
  expect(parseSince("earliest")).toEqual({ user: "earliest", broadcast: "earliest" });
});

test("nothing else is read", () => {
  const others = [
    "",
    ",",
    "e",
    "e.",
    ".5",
    "e.05",
    "e.-1",
    "e.1e3",
    "e.1.5",
    "e.9007199254740992",
    "e.99999999999999999999",
    "$",
    "+",
    ">",
    "*",
    "**e.1",
    "e.1,e.2",
    "*e.1,*e.2",
    "e.1,*e.2,e.3",
    "e.1,",
    " e.1",
    "é.1",
    "earliest,e.1",
    `${"e".repeat(33)}.1`,
    `${"e".repeat(1_000_000)}.1`,
  ];
  for (const text of others) expect([text.slice(0, 40), parseSince(text)]).toEqual([text.slice(0, 40), null]);
});
