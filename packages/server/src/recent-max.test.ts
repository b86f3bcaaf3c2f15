import { expect, test } from "bun:test";
import { RecentMax } from "./recent-max.ts";

test("the largest observation is told for at least a span, and forgotten before two have passed", () => {
  const recent = new RecentMax(10);
  expect(recent.longest).toBe(0);
  recent.add(5);
  for (let n = 0; n < 10; n += 1) {
    expect(recent.longest).toBe(5);
    recent.add(1);
  }
  for (let n = 0; n < 9; n += 1) recent.add(1);
  expect(recent.longest).toBe(5);
  recent.add(2);
  expect(recent.longest).toBe(2);
});
