import { expect, test } from "bun:test";
import { Admission, type Release } from "./admission.ts";

const admitted = (answer: Release | string): Release => {
  if (typeof answer === "string") throw new Error(answer);
  return answer;
};

test("places are given up to each cap and given back once", () => {
  const admission = new Admission({ relay: 3, address: 2 });
  const first = admitted(admission.admit("a"));
  admitted(admission.admit("a"));
  expect(admission.admit("a")).toBe("address_full");
  admitted(admission.admit("b"));
  expect(admission.admit("c")).toBe("relay_full");
  first();
  first();
  expect(admission.admitted).toBe(2);
  admitted(admission.admit("a"));
  expect(admission.admit("a")).toBe("relay_full");
});

test("a cap of 0 is no cap", () => {
  const admission = new Admission({ relay: 0, address: 0 });
  const releases = Array.from({ length: 1_000 }, () => admitted(admission.admit("a")));
  for (const release of releases) release();
  expect(admission.admitted).toBe(0);
});
