import { expect, test } from "bun:test";
import { StreamPosition } from "./stream-position.ts";

test("a stream stands at the latest offset of each of its logs", () => {
  const position = new StreamPosition();
  expect(position.move("e.1,*b.7")).toBe("e.1,*b.7");
  expect(position.move("e.2")).toBe("e.2,*b.7");
  expect(position.move("*c.1")).toBe("e.2,*c.1");
});

test("a log of which nothing is known yet is left out, and so begins live", () => {
  const position = new StreamPosition();
  expect(position.move("*b.7")).toBe("*b.7");
  expect(position.move("e.1")).toBe("e.1,*b.7");
});
