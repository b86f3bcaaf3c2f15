import { expect, test } from "bun:test";
import type { Ends, Usage } from "../bed.ts";
import type { Times } from "../generator/generator.ts";
import { faultOf, voidReason } from "./outcome.ts";

const times: Times = { count: 100, p50: 0.4, p90: 0.5, p99: 1, p999: 2, max: 3 };
const published: Ends["published"] = {
  published: 100,
  confirmed: 100,
  errors: 0,
  firstError: "",
  blocked: 0,
  slip: times,
};
const usage: Usage = { system: { user: 0, total: 0 }, generatorShare: 0.4, loadShare: 0.6, wall: 1 };
const received: Ends["received"] = {
  open: 10,
  frames: 100,
  bytes: 1,
  reads: 1,
  wrongBytes: 0,
  wrongUser: 0,
  notRising: 0,
  gaps: 0,
  missing: 0,
  pings: 0,
  closed: 0,
  closeCode: 0,
  latency: times,
};

test("a run in which the load kept up counts", () => {
  expect(voidReason(usage, { published })).toBeNull();
});

test("a run is void where load and Redis used up their core", () => {
  expect(voidReason({ ...usage, loadShare: 0.9 }, { published })).toContain("90 % of their core");
});

test("a run is void where the schedule slipped", () => {
  const late = { ...published, slip: { ...times, p99: 21 } };
  expect(voidReason(usage, { published: late })).toContain("slipped");
});

test("a run is void where Redis did not take what was published", () => {
  expect(voidReason(usage, { published: { ...published, errors: 1, firstError: "OOM" } })).toContain("OOM");
  expect(voidReason(usage, { published: { ...published, confirmed: 99 } })).toContain("99 of 100");
  expect(voidReason(usage, { published: { ...published, blocked: 1 } })).toContain("no room");
});

test("a run is at fault for each update that did not come once, in order, unchanged and to its user", () => {
  expect(faultOf(received, 100)).toBeNull();
  expect(faultOf({ ...received, frames: 99, missing: 1 }, 100)).toBe("1 lost");
  expect(faultOf({ ...received, frames: 101, notRising: 1 }, 100)).toContain("1 doubled");
  expect(faultOf({ ...received, wrongUser: 2, missing: 2 }, 100)).toContain("2 to wrong users");
  expect(faultOf({ ...received, wrongBytes: 3 }, 100)).toContain("3 with wrong bytes");
  expect(faultOf({ ...received, closed: 4 }, 100)).toContain("4 connections closed");
});
