import type { System } from "./bed.ts";
import { cell, quotient, thousands } from "./figures.ts";

/** One row with what each round gave. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly values: Readonly<Record<System, number[]>>;
  /** The part of it that was not spent in the kernel, where that was measured. */
  readonly userValues: Readonly<Record<System, number[]>>;
  readonly notes: Readonly<Record<System, string[]>>;
}

/** What a report says beside its rows. */
export interface ReportContext {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly command: string;
  /** The machine and its programs, in one line. */
  readonly machine: string;
  readonly voids: readonly string[];
}

/** The bench's findings as Markdown. */
export function reportText(rows: readonly Row[], context: ReportContext): string {
  const { rounds, seconds, connections, command, voids } = context;
  return `# Results of the bench

${new Date().toISOString().slice(0, 10)}, ${context.machine}.
Again: \`${command}\` (${rounds} rounds, ${seconds} s a workload, relay and control in turn in every round).

The ratio is what counts. Processor time is read from \`/proc/<pid>/stat\` and most of it is system calls,
whose price differs several times between machines: in a small virtual machine a \`send()\` takes 6 to 8 µs,
so absolute numbers are higher there than elsewhere. The control (\`bench/floor.ts\`) pays the same price for
the same calls and does little else: it cuts updates out of what Redis sends with \`indexOf\`, checks nothing
and bounds nothing.

${thousands(connections)} plain \`?user_id=\` connections, one a user, are open throughout. Relay and
control have one core; load, publisher and Redis share the other, and a run in which they used more than 85 %
of it is void. Every update that arrived was checked: right user, right order, none missing.
Medians, with the smallest and largest round in brackets.

| workload | unit | relay | control | ratio |
| --- | --- | ---: | ---: | ---: |
${rows.map((row) => line(row, row.values)).join("\n")}

The same without the time in the kernel, which hangs on whether the receiver sleeps when a frame comes and
so varies most between rounds:

| workload, user time | unit | relay | control | ratio |
| --- | --- | ---: | ---: | ---: |
${rows
  .filter(({ userValues }) => userValues.relay.length > 0)
  .map((row) => line(row, row.userValues))
  .join("\n")}

Memory is the growth of resident memory (\`smaps_rollup\`) once it stands still; what the kernel keeps for a
socket (about 4 KiB) is not in it. What the server uses while nothing is published is taken off the other
rows; the relay pings every connection meanwhile and the control none. Neighbours on the machine show in the
brackets.

What the last round noted: share of the load's core, and time from publish to receipt.

${rows
  .filter(({ notes }) => notes.relay.length > 0)
  .map(note)
  .join("\n")}

Void runs: ${voids.length === 0 ? "none" : `\n${voids.map((text) => `- ${text}`).join("\n")}`}
`;
}

function line({ name, unit }: Row, values: Row["values"]): string {
  return `| ${name} | ${unit} | ${cell(values.relay)} | ${cell(values.floor)} | ${quotient(values.relay, values.floor)} |`;
}

function note({ name, notes }: Row): string {
  return `- ${name}: relay ${notes.relay.at(-1) ?? "void"}; control ${notes.floor.at(-1) ?? "void"}`;
}
