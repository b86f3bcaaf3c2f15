import { expect, test } from "bun:test";
import { Place } from "./place.ts";

test("a tab asks for everything first, and then for what follows the last update of each log", () => {
  const place = new Place();
  expect(place.since).toBe("earliest");
  place.passed('{"type":"t","payload":1,"offset":"e.7"}');
  expect(place.since).toBe("earliest");
  place.stand("e.4,*f.2");
  expect(place.since).toBe("e.4,*f.2");
  place.passed('{"type":"t","payload":1,"offset":"e.5"}');
  place.passed('{"type":"t","payload":1,"offset":"*f.3"}');
  expect(place.since).toBe("e.5,*f.3");
});

test("an offset that stands anywhere but at the end is the worker's, and no place", () => {
  const place = new Place();
  place.stand("e.4,*f.2");
  place.passed('{"type":"t","offset":"x.9","payload":1}');
  place.passed('{"type":"t","payload":{"offset":"x.9"}}');
  place.passed('{"type":"tidings.gap","payload":{"next":"e.9"}}');
  expect(place.since).toBe("e.4,*f.2");
});
