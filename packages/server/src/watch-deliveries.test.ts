import { expect, test } from "bun:test";
import { watchDeliveries } from "./watch-deliveries.ts";

test("what was handed to clients since the question was asked last is told once", () => {
  const counters = { deliveries: 7 };
  const hasDelivered = watchDeliveries(counters, () => false);
  expect(hasDelivered()).toBeFalse();
  counters.deliveries += 2;
  expect([hasDelivered(), hasDelivered()]).toEqual([true, false]);
});

test("a relay that appends for others always has something to hurry for", () => {
  expect(watchDeliveries({ deliveries: 0 }, () => true)()).toBeTrue();
});
