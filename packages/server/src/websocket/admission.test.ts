import { expect, test } from "bun:test";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { Admission, type Release } from "./admission.ts";

const admitted = (answer: Release | string): Release => {
  if (typeof answer === "string") throw new Error(answer);
  return answer;
};

test("places are given up to each cap and given back once", () => {
  const admission = new Admission({ relay: 3, address: 2 }, new ManualClock());
  const first = admitted(admission.admit("a"));
  admitted(admission.admit("a"));
  expect(admission.admit("a")).toBe("address_full");
  admitted(admission.admit("b"));
  expect(admission.admit("c")).toBe("relay_full");
  first(false);
  first(false);
  expect(admission.admitted).toBe(2);
  admitted(admission.admit("a"));
  expect(admission.admit("a")).toBe("relay_full");
});

test("a cap of 0 is no cap", () => {
  const admission = new Admission({ relay: 0, address: 0 }, new ManualClock());
  const releases = Array.from({ length: 1_000 }, () => admitted(admission.admit("a")));
  for (const release of releases) release(false);
  expect(admission.admitted).toBe(0);
});

test("a connection that the relay closed keeps its place while its socket may linger", () => {
  const clock = new ManualClock();
  const admission = new Admission({ relay: 1, address: 1 }, clock);
  admitted(admission.admit("a"))(true);
  expect(admission.admit("a")).toBe("relay_full");
  clock.advance(8_000);
  admitted(admission.admit("a"));
});
