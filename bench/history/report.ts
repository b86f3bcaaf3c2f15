import { cell, quotient, thousands } from "../figures.ts";
import { type Findings, hasValues, type WorkloadFindings } from "./findings.ts";
import { MISSED, RETURNING } from "./resume.ts";
import { type Rounds, systems } from "./systems.ts";
import { CONNECTIONS } from "./workloads.ts";

/** What a report says beside its findings. */
export interface HistoryReportContext {
  readonly rounds: number;
  readonly seconds: number;
  readonly command: string;
  /** The machine and its programs, in one line. */
  readonly machine: string;
}

/** The findings as Markdown. */
export function historyReport(findings: Findings, context: HistoryReportContext): string {
  const { workloads, memory, resumes, idleRelay, idleRedis, voids } = findings;
  const { rounds, seconds, command } = context;
  return `# What history costs

${new Date().toISOString().slice(0, 10)}, ${context.machine}.
Again: \`${command}\` (${rounds} rounds, ${seconds} s a workload, the four systems in turn for every workload).

- **off**: the worker says \`PUBLISH updates\`, the relay delivers, nothing is kept (\`TIDINGS_HISTORY=off\`).
- **on, PUBLISH**: the same worker; the measured relay has the lease, so it appends every update to the log and
  delivers what the log tells.
- **on, FCALL**: the worker says \`FCALL tidings_publish\`, so Redis appends; the relay delivers.
- **on, PUBLISH, another relay appends**: the worker says \`PUBLISH\`, and the relay that has the lease is not the
  measured one, as with all relays of a fleet but one. The measured relay hears each update twice, from the worker
  and from the log.

${thousands(CONNECTIONS)} plain \`?user_id=\` connections, one a user, are open on each. Logs have their usual bounds,
and those of the busy users are full, so that appending to them also trims. The measured relay has one core; load,
publisher, Redis and the other relay share the second, and a run in which they used more than 85 % of it is void. Every
update that arrived was checked: right user, right order, none missing, with an offset where history is on. What is
used while nothing is published is taken off. Medians, with the smallest and largest round in brackets, and how many
times the median without history that is.

## Processor time of the relay

Read from \`/proc/<pid>/stat\`. Most of it is the system calls that write to sockets, whose price differs several times
between machines.

${table(workloads, ({ relay }) => relay, true)}

The same without the time in the kernel:

${table(workloads, ({ relayUser }) => relayUser, true)}

## Processor time of Redis, µs an update

Of all its threads. With PUBLISH an update reaches Redis from the worker and again from the relay that appends it.

${table(workloads, ({ redis }) => redis, false)}

## From publish to receipt, ms

The median of a round's updates:

${table(workloads, ({ p50 }) => p50, false)}

The slowest hundredth, p99:

${table(workloads, ({ p99 }) => p99, false)}

## Resume

${thousands(RETURNING)} Tidings clients come back at once with \`since\`, each having missed ${MISSED} updates: ${thousands(RETURNING * MISSED)} in all.

| figure | unit | on, PUBLISH |
| --- | --- | ---: |
| processor time of the relay | µs an update replayed | ${cell(resumes.map(({ relay }) => relay))} |
| processor time of Redis | µs an update replayed | ${cell(resumes.map(({ redis }) => redis))} |
| until the last client had everything | ms | ${cell(resumes.map(({ wall }) => wall))} |

## Memory of an idle connection

Bytes of resident memory on a relay with ${thousands(CONNECTIONS)} connections, one a user, all garbage collected.

| connection | off | on | ratio |
| --- | ---: | ---: | ---: |
${memory.map(({ name, off, on }) => `| ${name} | ${cell(off)} | ${cell(on)} | ${quotient(on, off)} |`).join("\n")}

## While nothing is published, ms a second

| of | ${names()} |
| --- |${" ---: |".repeat(systems.length)}
${row("the relay", idleRelay)}
${row("Redis", idleRedis)}

## Share of the load's core, %

${table(workloads, ({ load }) => load, false)}

Void runs: ${voids.length === 0 ? "none" : `\n${voids.map((text) => `- ${text}`).join("\n")}`}
`;
}

function table(
  workloads: readonly WorkloadFindings[],
  pick: (findings: WorkloadFindings) => Rounds,
  hasUnit: boolean,
): string {
  const rows = workloads.filter((findings) => hasValues(pick(findings)));
  const lines = rows.map((findings) => {
    const { name, unit } = findings.workload;
    return row(hasUnit ? `${name}; ${unit}` : name, pick(findings));
  });
  return [`| workload | ${names()} |`, `| --- |${" ---: |".repeat(systems.length)}`, ...lines].join("\n");
}

function row(name: string, rounds: Rounds): string {
  const cells = systems.map(({ key }) => {
    const isControl = key === "off" || rounds[key].length === 0;
    return isControl ? cell(rounds[key]) : `${cell(rounds[key])} ×${quotient(rounds[key], rounds.off)}`;
  });
  return `| ${name} | ${cells.join(" | ")} |`;
}

function names(): string {
  return systems.map(({ name }) => name).join(" | ");
}
