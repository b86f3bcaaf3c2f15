import { cpus, release, totalmem } from "node:os";
import { spread } from "./sample.ts";

/** Several rounds of one number as the cell of a table: the median, and the smallest and largest in brackets. */
export function cell(values: readonly number[]): string {
  if (values.length === 0) return "void";
  const { median, min, max } = spread(values);
  return `${figure(median)} (${figure(min)}–${figure(max)})`;
}

/** How many times the median of `over` the one of `values` is; a dash where that says nothing. */
export function quotient(values: readonly number[], over: readonly number[]): string {
  const ratio = spread(values).median / spread(over).median;
  return Number.isFinite(ratio) ? ratio.toFixed(2) : "–";
}

/** A number with as many digits as it deserves. */
export function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(Math.abs(value) < 1 ? 3 : 1);
}

/** A whole number with commas. */
export function thousands(value: number): string {
  return value.toLocaleString("en-US");
}

/** The machine and the programs on it that a report speaks of, in one line. */
export async function machine(): Promise<string> {
  const [first] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const version = await new Response(Bun.spawn(["redis-server", "--version"]).stdout).text();
  return (
    `${cpus().length} × ${first?.model ?? "unknown processor"}, ${memory} GiB, Linux ${release()}, ` +
    `Bun ${Bun.version}, Redis ${/v=(\S+)/.exec(version)?.[1] ?? "unknown"}`
  );
}
