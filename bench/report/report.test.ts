import { expect, test } from "bun:test";
import type { Outcome } from "../workloads/outcome.ts";
import { type BenchData, type Finding, joined } from "./findings.ts";
import { reportOf } from "./report.ts";

function finding(system: string, round: number, outcome: Outcome): Finding {
  return { round, workload: "unicast", system, size: 1, outcome };
}

function counted(cpu: number, fault: string | null = null): Outcome {
  return { isVoid: false, figures: { cpu }, fault };
}

function data(findings: readonly Finding[]): BenchData {
  return {
    date: "2026-11-23",
    machine: "a machine",
    runs: [{ command: "npm run bench", rounds: 3, seconds: 2 }],
    versions: { Tidings: "1" },
    findings,
  };
}

test("a report has medians with their spread, and ratios of medians", () => {
  const { text } = reportOf(
    data([
      ...[2, 9, 3].map((cpu, round) => finding("tidings", round, counted(cpu))),
      ...[6, 5, 7].map((cpu, round) => finding("seed-go", round, counted(cpu))),
    ]),
  );
  expect(text).toContain("| Tidings | 3.0 (2.0–9.0) | 0.50 | – |");
});

test("a goal is reached or missed by the medians at full size, and is not measured where one is missing", () => {
  const { text } = reportOf(data([finding("tidings", 1, counted(3)), finding("seed-go", 1, counted(6))]));
  expect(text).toContain("| unicast 20,000/s, against seed-go | at most 0.7 | 0.500 | reached |");
  expect(text).toContain("| unicast 20,000/s, against the floor | at most 1.25 | – | not measured |");
  const missed = reportOf(data([finding("tidings", 1, counted(5)), finding("seed-go", 1, counted(6))]));
  expect(missed.text).toContain("| unicast 20,000/s, against seed-go | at most 0.7 | 0.833 | **missed** |");
});

test("Tidings is held against the cheapest of the field", () => {
  const cpus = { tidings: 6, centrifuge: 8, ws: 5, "seed-go": 1 };
  const { text } = reportOf(
    data(Object.entries(cpus).map(([system, cpu]) => finding(system, 1, counted(cpu)))),
  );
  expect(text).toContain("| unicast, against the best of the field | at most 1 | 1.2 | **missed** |");
});

test("runs that are joined are one report, which names each", () => {
  const other = { ...data([finding("tidings", 1, counted(5))]), versions: { Tidings: "2", ws: "8" } };
  const run = { command: "npm run bench -- --only unicast", rounds: 1, seconds: 2 };
  const { text } = reportOf(joined([data([finding("tidings", 1, counted(3))]), { ...other, runs: [run] }]));
  expect(text).toContain("| Tidings | 4.0 (3.0–5.0) |");
  for (const words of [
    "| Tidings | 1; 2 |",
    "| ws | 8 |",
    "`npm run bench`",
    "`npm run bench -- --only unicast`",
  ]) {
    expect(text).toContain(words);
  }
});

test("a void run is not among the numbers, and is told with its reason", () => {
  const { text } = reportOf(
    data([
      finding("tidings", 1, counted(3)),
      finding("tidings", 2, { isVoid: true, reason: "the schedule slipped" }),
    ]),
  );
  expect(text).toContain("| Tidings | 3.0 (3.0–3.0) |");
  expect(text).toContain("- void: tidings, size 1, round 2: the schedule slipped");
});

test("what was not run has no number, and is not called void", () => {
  const small = { ...finding("tidings", 1, counted(3)), size: 0.5 };
  const isVoid = { ...finding("seed-go", 1, { isVoid: true, reason: "the schedule slipped" }), size: 0.5 };
  const { text } = reportOf(
    data([small, isVoid, ...["tidings", "seed-go", "floor"].map((key) => finding(key, 1, counted(4)))]),
  );
  expect(text).toContain("| Tidings | 3.0 (3.0–3.0) | 4.0 (4.0–4.0) |");
  expect(text).toContain("| seed-go | void | 4.0 (4.0–4.0) |");
  expect(text).toContain("| floor | – | 4.0 (4.0–4.0) |");
});

test("a fault is marked in its cell and told", () => {
  const { text } = reportOf(data([finding("tidings", 1, counted(3, "5 lost"))]));
  expect(text).toContain("3.0 (3.0–3.0) ✗");
  expect(text).toContain("- **fault**: tidings, size 1, round 1: 5 lost");
});

test("a plot has a mark for each system and size", () => {
  const { plots } = reportOf(data([finding("tidings", 1, counted(3)), finding("floor", 1, counted(2))]));
  const picture = plots.get("unicast.svg") ?? "";
  expect(picture.match(/<circle /g)).toHaveLength(2);
  expect(picture).toContain(">Tidings</text>");
});
