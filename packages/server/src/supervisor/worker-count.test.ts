import { expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { defaultSettings } from "../config/load.ts";
import { settingsOf, workerCount, workersFault } from "./worker-count.ts";

const defaults = defaultSettings();

test("one process runs unless more are asked for", () => {
  expect(workerCount(defaults)).toBe(1);
  expect(workersFault(defaults)).toBeNull();
});

test.skipIf(process.platform !== "linux")("auto is one for each core, and no more than connections", () => {
  const settings = { ...defaults, workers: "auto" } as const;
  expect(workerCount(settings)).toBe(availableParallelism());
  expect(workerCount({ ...settings, max_connections: 1 })).toBe(1);
  expect(workersFault(settings)).toBeNull();
});

test("several processes are refused where the system does not spread connections over them", () => {
  const settings = { ...defaults, workers: 2 };
  expect(workersFault(settings, "linux")).toBeNull();
  expect(workersFault(settings, "darwin")).toContain("workers (2): only Linux spreads the connections");
  expect(workersFault({ ...settings, workers: "auto" }, "darwin")).toBeNull();
});

test("the parts of max_connections add up to it and differ by one at most", () => {
  for (const [most, count] of [
    [10, 3],
    [9, 3],
    [3, 3],
    [1_000_003, 256],
  ] as const) {
    const settings = { ...defaults, max_connections: most };
    const parts = Array.from(
      { length: count },
      (_, index) => settingsOf(index + 1, count, settings).max_connections,
    );
    expect(parts.reduce((sum, part) => sum + part)).toBe(most);
    expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
  }
});

test("a max_connections of 0 is left to each process", () => {
  expect(settingsOf(2, 4, defaults)).toMatchObject({ max_connections: 0 });
});

test("each worker gets an equal part of total_buffer_bytes, of what 0 derives too", () => {
  const part = (total: number, count: number): number =>
    settingsOf(1, count, { ...defaults, total_buffer_bytes: total }).total_buffer_bytes;
  expect(part(1_000_000, 4)).toBe(250_000);
  expect(part(0, 4)).toBe(Math.floor(part(0, 1) / 4));
  expect(part(0, 1)).toBeGreaterThan(0);
});
