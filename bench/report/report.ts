import { cell } from "../figures.ts";
import { systems } from "../systems/catalog.ts";
import { workloads } from "../workloads/catalog.ts";
import type { Workload } from "../workloads/workload.ts";
import { type BenchData, Findings } from "./findings.ts";
import { goalsTable } from "./goals.ts";
import { plot, type Series } from "./plot.ts";

/** A report: its text, and its pictures by the name of their file. */
export interface Report {
  readonly text: string;
  readonly plots: ReadonlyMap<string, string>;
}

const COLUMNS: readonly (readonly [string, string])[] = [
  ["user", "of it outside the kernel"],
  ["rate", "rate a second"],
  ["isLoadLimited", "1 where the load gave way first"],
  ["idleCpu", "CPU, ms a second"],
  ["p50", "p50, ms"],
  ["p99", "p99, ms"],
  ["perRead", "frames a read"],
  ["share", "its core, %"],
  ["load", "load's core, %"],
];

/** Makes the report of a run. */
export function reportOf(data: BenchData): Report {
  const findings = new Findings(data.findings);
  const plots = new Map<string, string>();
  const ran = workloads.filter(({ key }) => findings.sizes(key).length > 0);
  const parts = ran.map((workload) => {
    const picture = picturesOf(findings, workload);
    if (picture !== null) plots.set(`${workload.key}.svg`, picture);
    return section(findings, workload, picture !== null);
  });
  const versions = Object.entries(data.versions).map(([name, version]) => `| ${name} | ${version} |`);
  const text = `# Results of the bench

${data.date}, ${data.machine}.
Again:

${data.runs.map(({ command, rounds, seconds }) => `- \`${command}\` (rounds: ${rounds}, seconds a stream: ${seconds})`).join("\n")}

Ratios count, not numbers: what a \`send()\` costs differs several times between machines. Each system has core 0 to
itself; Redis and the load share core 1. In every round the systems run one after the other. CPU is what the operating
system says that all processes of the system used, divided by what was delivered. Every update that came was compared
byte by byte, and its user and order checked. The load keeps to its schedule whatever happens, and latency is counted
from when an update was *due* until it was read, in ticks of half a millisecond. A run in which load and Redis used 90 %
of their core, or the schedule slipped by more than 20 ms, is void. Medians, with the smallest and largest round in
brackets; ✗ marks where a round was at fault, which is told below the table. How it is done: [performance.md](../docs/performance.md).

## Goals

${goalsTable(findings)}

## Systems

| system | version |
| --- | --- |
${versions.join("\n")}

\`floor\` is no relay: it checks nothing, takes no tokens, bounds nothing, and calls \`send()\` once for each delivery.
\`centrifuge\` is the library that is the engine of Centrifugo v6; the server itself cannot be had through the Go
module proxy here. Its workers, and those of Socket.IO, publish in their own project's way; those of the others by
\`PUBLISH updates\`. The engine subscribes to a channel for each user, so Redis sends it nothing that is for users elsewhere; it pays
with a subscription for each who comes.

${parts.join("\n\n")}
`;
  return { text, plots };
}

function section(findings: Findings, workload: Workload, hasPicture: boolean): string {
  const { key, title, unit, main = "cpu" } = workload;
  const sizes = findings.sizes(key);
  const largest = sizes.at(-1) ?? 1;
  const shown = COLUMNS.filter(([name]) =>
    systems.some((system) => findings.values(key, system.key, largest, name).length > 0),
  ).filter(([name]) => name !== main);
  const heads = [
    ...sizes.map((size) => `${unit}${sizes.length > 1 ? `, at ${fraction(size)}` : ""}`),
    "against seed-go",
    "against floor",
    ...shown.map(([, head]) => head),
  ];
  const rows = systems.flatMap((system) => {
    if (sizes.every((size) => findings.values(key, system.key, size, main).length === 0)) return [];
    const told = (size: number, name: string): string => {
      const values = findings.values(key, system.key, size, name);
      return values.length === 0 && !findings.hasVoid(key, system.key, size) ? "–" : cell(values);
    };
    const cells = sizes.map(
      (size) => told(size, main) + (findings.hasFault(key, system.key, size) ? " ✗" : ""),
    );
    const others = shown.map(([name]) => told(largest, name));
    const ratios = ["seed-go", "floor"].map((over) => against(findings, workload, system.key, over, largest));
    return [`| ${[system.name, ...cells, ...ratios, ...others].join(" | ")} |`];
  });
  const remarks = findings.remarks(key);
  return [
    `## ${title}`,
    `| system | ${heads.join(" | ")} |\n| --- |${" ---: |".repeat(heads.length)}\n${rows.join("\n")}`,
    ...(remarks.length === 0 ? [] : [remarks.map((remark) => `- ${remark}`).join("\n")]),
    ...(hasPicture ? [`![${title}](plots/${key}.svg)`] : []),
  ].join("\n\n");
}

function against(findings: Findings, workload: Workload, system: string, over: string, size: number): string {
  const { key, main = "cpu" } = workload;
  const own = findings.spread(key, system, size, main);
  const other = findings.spread(key, over, size, main);
  if (own === null || other === null || other.median === 0 || system === over) return "–";
  return (own.median / other.median).toFixed(2);
}

function picturesOf(findings: Findings, workload: Workload): string | null {
  const { key, title, unit, main = "cpu", scale } = workload;
  const series: Series[] = systems.flatMap((system) => {
    const points = findings.sizes(key).flatMap((size) => {
      const found = findings.spread(key, system.key, size, main);
      return found === null ? [] : [{ x: size * scale.full, ...found }];
    });
    return points.length === 0 ? [] : [{ name: system.name, points }];
  });
  if (series.length === 0) return null;
  return plot(series, { title, x: scale.of, y: unit });
}

function fraction(size: number): string {
  const known: Readonly<Record<string, string>> = { "0.25": "¼", "0.5": "½", "1": "full size" };
  return known[String(size)] ?? String(size);
}
