import type { LoadReport } from "../../../bench/load/load.ts";

/** What one stretch of the run showed of the honest clients. */
export interface Stretch {
  readonly name: string;
  /** What the attacker tried; null where nobody attacked. */
  readonly attempts: number | null;
  readonly honest: LoadReport;
}

/** What the whole run showed. */
export interface RunReport {
  readonly clients: number;
  readonly stretches: readonly Stretch[];
  /** Resident memory of the relay, in bytes. */
  readonly before: number;
  readonly after: number;
}

/** The run as a page in Markdown. */
export function runPage({ clients, stretches, before, after }: RunReport): string {
  const rows = stretches.map(({ name, attempts, honest }) => {
    const { p50, p99, max } = honest.latency;
    const times = [p50, p99, max].map((value) => value.toFixed(1)).join(" | ");
    const counts = [honest.frames, honest.lost, honest.notRising].join(" | ");
    return `| ${name} | ${attempts ?? ""} | ${times} | ${counts} |`;
  });
  const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`;
  return `# The abuse run

One relay serves ${clients.toLocaleString("en")} honest clients, which get updates at a steady rate, while one kind of abuse after
the other is done to it from another process. Written by \`npm run abuse\`; \`npm test\` runs its short form.

Latency is from publish to receipt, in milliseconds, as the honest clients saw it.

| Attack | Attempts | p50 | p99 | highest | Updates | Lost | Repeated or out of order |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

Resident memory of the relay, garbage collected: ${mib(before)} before, ${mib(after)} after. It was one process throughout.

Attackers, honest clients, Redis and the relay share ${navigator.hardwareConcurrency} cores here: much of the delay during floods is
that.
`;
}
