import { expect, test } from "bun:test";
import { ManualClock } from "../../../tests/support/manual-clock.ts";
import { LogSampler } from "./log-sampler.ts";

test("one line a second of each kind comes through, and says how many were held back", () => {
  const clock = new ManualClock();
  const sampler = new LogSampler(clock);
  const lines: [string, number][] = [];
  const note = (kind: string): void => sampler.note(kind, (held) => void lines.push([kind, held]));
  for (let count = 0; count < 100; count += 1) note("a");
  note("b");
  clock.advance(1_000);
  note("a");
  clock.advance(1_000);
  note("a");
  expect(lines).toEqual([
    ["a", 0],
    ["b", 0],
    ["a", 99],
    ["a", 0],
  ]);
});
