import { figure } from "../figures.ts";
import type { Findings } from "./findings.ts";

/** Something that is to be reached. */
interface Goal {
  readonly name: string;
  /** What is to be true of it, as the table says it. */
  readonly goal: string;
  readonly isReached: (value: number) => boolean;
  readonly value: (findings: Findings) => number | null;
}

/** The median of a figure of one system over that of another, both at the same size. */
function ratio(workload: string, over: string, name = "cpu", system = "tidings", size = 1): Goal["value"] {
  return (findings) => {
    const own = findings.spread(workload, system, size, name);
    const other = findings.spread(workload, over, size, name);
    return own === null || other === null || other.median === 0 ? null : own.median / other.median;
  };
}

function atMost(limit: number, name: string, value: Goal["value"]): Goal {
  return { name, goal: `at most ${limit}`, isReached: (found) => found <= limit, value };
}

const FIELD = ["centrifuge", "socket.io", "ws"];

/** Tidings' median over that of the cheapest of the field. */
function overField(workload: string, name = "cpu"): Goal["value"] {
  return (findings) => {
    const own = findings.spread(workload, "tidings", 1, name);
    const others = FIELD.flatMap((system) => findings.spread(workload, system, 1, name)?.median ?? []);
    return own === null || others.length === 0 ? null : own.median / Math.min(...others);
  };
}

function own(workload: string, name: string): Goal["value"] {
  return (findings) => findings.spread(workload, "tidings", 1, name)?.median ?? null;
}

/** The workloads that the field takes part in, but for idling. */
const inField = [
  "broadcast-19k-bursts",
  "broadcast-19k",
  "broadcast-10k",
  "tokens",
  "tokens-500",
  "unicast",
  "payload-100",
  "payload-1024",
  "payload-65536",
  "firehose",
  "elsewhere",
  "storm",
  "fan-in",
];

const goals: readonly Goal[] = [
  atMost(0.3, "broadcast 19,000 in bursts, against seed-go", ratio("broadcast-19k-bursts", "seed-go")),
  atMost(0.75, "broadcast 19,000 in bursts, against the floor", ratio("broadcast-19k-bursts", "floor")),
  atMost(0.3, "broadcast 19,000 one at a time, against seed-go", ratio("broadcast-19k", "seed-go")),
  atMost(0.75, "broadcast 19,000 one at a time, against the floor", ratio("broadcast-19k", "floor")),
  atMost(0.45, "token streams 60,000/s, against seed-go", ratio("tokens", "seed-go")),
  atMost(1, "token streams 60,000/s, against the floor", ratio("tokens", "floor")),
  atMost(0.7, "unicast 20,000/s, against seed-go", ratio("unicast", "seed-go")),
  atMost(1.25, "unicast 20,000/s, against the floor", ratio("unicast", "floor")),
  atMost(0.2, "memory of an idle connection, against seed-go", ratio("idle", "seed-go", "memory")),
  atMost(3_072, "memory of an idle connection, bytes", own("idle", "memory")),
  atMost(0.5, "connection storm with JWT, against seed-go", ratio("storm", "seed-go")),
  atMost(0.25, "update for a user elsewhere, against seed-go", ratio("elsewhere", "seed-go")),
  atMost(1, "update for a user elsewhere, µs", own("elsewhere", "cpu")),
  atMost(1, "messages of clients, against seed-go", ratio("fan-in", "seed-go")),
  atMost(1, "p99 at half of seed-go's highest rate, against seed-go", ratio("latency", "seed-go", "p99")),
  {
    name: "highest rate of token streams, against seed-go",
    goal: "at least 2.5",
    isReached: (found) => found >= 2.5,
    value: ratio("saturation", "seed-go", "highest"),
  },
  ...["unicast", "tokens", "broadcast-19k-bursts"].map((workload) =>
    atMost(1.6, `history on, ${workload}, against off`, ratio(workload, "tidings", "cpu", "tidings-history")),
  ),
  // Redis itself, which shares its core with the load, stores no 60,000 updates a second.
  atMost(
    1.6,
    "history on, tokens at a quarter (15,000/s), against off",
    ratio("tokens", "tidings", "cpu", "tidings-history", 0.25),
  ),
  ...inField.map((workload) => atMost(1, `${workload}, against the best of the field`, overField(workload))),
  atMost(1, "memory of an idle connection, against the best of the field", overField("idle", "memory")),
];

/** The goals and what became of them, as rows of a table. */
export function goalsTable(findings: Findings): string {
  const rows = goals.map(({ name, goal, isReached, value }) => {
    const found = value(findings);
    const verdict = found === null ? "not measured" : isReached(found) ? "reached" : "**missed**";
    return `| ${name} | ${goal} | ${found === null ? "–" : figure(found)} | ${verdict} |`;
  });
  return ["| goal | to reach | measured | |", "| --- | --- | ---: | --- |", ...rows].join("\n");
}
