import { expect, test } from "bun:test";
import { Feed } from "./feed.ts";

const of = (epoch: string): { readonly epoch: string } => ({ epoch });

test("a feed takes the next update, knows old ones, and sees a hole", () => {
  const feed = new Feed("ann");
  feed.anchor({ epoch: "e", n: 4 });
  expect(feed.step(true, of("e"), 5)).toBe("next");
  expect(feed.step(true, of("e"), 5)).toBe("old");
  expect(feed.step(true, of("e"), 1)).toBe("old");
  expect(feed.step(true, of("e"), 9)).toBe("hole");
  expect(feed.position).toEqual({ epoch: "e", n: 9 });
});

test("an update of another epoch moves nothing, since it may be an old one", () => {
  const feed = new Feed("ann");
  feed.anchor({ epoch: "e", n: 4 });
  expect(feed.step(false, of("f"), 1)).toBe("other_epoch");
  expect(feed.position).toEqual({ epoch: "e", n: 4 });
});

test("a feed that nothing is known of adopts the first update, and has everyone at its live end before", () => {
  const feed = new Feed("ann");
  expect([feed.position, feed.place, feed.offset]).toEqual([null, null, null]);
  expect(feed.isReachedBy({ epoch: "any", n: 0 })).toBe(true);
  expect(feed.step(false, of("e"), 7)).toBe("next");
  expect(feed.offset).toBe("e.7");
});

test("within a bound, updates on their way are taken once, and a hole above it is seen", () => {
  const below = new Feed("ann");
  below.bound({ epoch: "e", n: 5 });
  expect([below.position, below.place]).toEqual([null, { epoch: "e", n: 5 }]);
  expect(below.step(true, of("e"), 4)).toBe("next");
  expect(below.step(true, of("e"), 4)).toBe("old");
  expect(below.step(true, of("e"), 5)).toBe("next");
  const above = new Feed("ann");
  above.bound({ epoch: "e", n: 5 });
  expect(above.step(true, of("e"), 7)).toBe("hole");
});

test("what is known is not replaced by an anchor or a bound", () => {
  const feed = new Feed("*");
  feed.anchor({ epoch: "e", n: 4 });
  feed.anchor({ epoch: "f", n: 9 });
  feed.bound({ epoch: "g", n: 9 });
  expect(feed.offset).toBe("*e.4");
  feed.jump({ epoch: "h", n: 2 });
  expect(feed.offset).toBe("*h.2");
  expect([feed.isAt({ epoch: "h", n: 2 }), feed.isAt({ epoch: "h", n: 3 })]).toEqual([true, false]);
});
