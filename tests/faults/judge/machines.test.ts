import { expect, test } from "bun:test";
import type { Evidence } from "./evidence.ts";
import { judge } from "./judge.ts";
import { longestWait } from "./machines.ts";
import { alice, attempt, evidence, standing, update } from "./sample-evidence.ts";

function kinds(changes: Partial<Evidence>): string[] {
  return judge(evidence(changes)).map(({ invariant, kind }) => `${invariant} ${kind}`);
}

function memory(sizes: readonly number[]): Evidence["memory"] {
  const samples = sizes.map((bytes, at) => ({ at, bytes }));
  return [{ process: "relay 0", samples, limit: 100, flatRatio: 1.2 }];
}

test("I6: memory over its limit, and memory that grows, are found", () => {
  expect(kinds({ memory: memory([10, 50, 50, 50, 50]) })).toEqual([]);
  expect(kinds({ memory: memory([10, 50, 101, 50, 50]) })).toEqual(["I6 memory"]);
  expect(kinds({ memory: memory([10, 50, 55, 60, 70]) })).toEqual(["I6 growth"]);
});

test("I7: an application that hears nothing for too long after a fault is found", () => {
  const faults = [{ name: "fault", from: 0, to: 10, mayLose: false }];
  const attempts = [attempt("e.1"), attempt("e.2")];
  const applications = [alice([standing("e.0,*b.0"), update("e.1"), update("e.2")])];
  const run = { faults, attempts, applications };
  expect(longestWait(evidence(run))).toBe(5);
  expect(kinds({ ...run, recoveryMs: 5 })).toEqual([]);
  expect(kinds({ ...run, recoveryMs: 4 })).toEqual(["I7 slow_recovery"]);
  const silent = [alice([standing("e.2,*b.0")])];
  expect(kinds({ ...run, applications: silent, recoveryMs: 1_000 })).toEqual(["I7 slow_recovery"]);
});

test("I8: what does not come back to where it was is found", () => {
  const files = { what: "files", before: 100, ratio: 1.1 };
  expect(kinds({ baselines: [{ ...files, after: 110 }] })).toEqual([]);
  expect(kinds({ baselines: [{ ...files, after: 111 }] })).toEqual(["I8 leak"]);
});

test("I9: a wrong exit status and a fault that nobody foresaw are found", () => {
  const relay = { name: "relay 0", faults: [] };
  expect(kinds({ processes: [{ ...relay, expected: 0, actual: 0 }] })).toEqual([]);
  expect(kinds({ processes: [{ ...relay, expected: "running", actual: 1 }] })).toEqual(["I9 exit"]);
  expect(kinds({ processes: [{ ...relay, expected: 0, actual: 0, faults: ["fatal"] }] })).toEqual([
    "I9 uncaught",
  ]);
});

test("I10: metrics that tell of more or less than the clients saw are found", () => {
  const run = {
    attempts: [attempt("e.1")],
    applications: [alice([standing("e.0,*b.0"), update("e.1")])],
  };
  const counts = {
    relay: "relay 0",
    handshakes: 1,
    framesSent: 2,
    framesDropped: 0,
    deliveries: 1,
    resubscriptions: 0,
    cuts: 0,
    isExact: true,
  };
  expect(kinds({ ...run, relays: [counts] })).toEqual([]);
  for (const wrong of [{ handshakes: 2 }, { framesSent: 3 }, { framesSent: 1 }, { deliveries: 0 }]) {
    expect(kinds({ ...run, relays: [{ ...counts, ...wrong }] })).toEqual(["I10 metrics"]);
  }
  expect(kinds({ ...run, relays: [{ ...counts, framesSent: 3, isExact: false }] })).toEqual([]);
  expect(kinds({ ...run, relays: [{ ...counts, framesSent: 1, isExact: false }] })).toEqual(["I10 metrics"]);
});
