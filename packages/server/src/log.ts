import { type DestinationStream, type Logger, pino } from "pino";
import type { Settings } from "./config/schema.ts";
import { LogOutput } from "./log-output.ts";

export type { Logger } from "pino";

/** How a logger writes, and where. */
export interface LoggerOptions {
  readonly level: Settings["log_level"];
  /** `json`, a line per entry for machines, unless `human` is asked for. */
  readonly form?: "json" | "human";
  /** Whether human lines are coloured; off unless set. */
  readonly colours?: boolean;
  /** Where lines go: standard output unless set. */
  readonly destination?: DestinationStream;
}

/** Fields that are left out wherever somebody logs them by mistake, at the top and one level down. */
const neverLogged = ["token", "payload", "secret", "password", "authorization", "cookie", "jwt", "api_key"];

/**
 * Makes the logger of one process. It writes
 * without pino's transports, since their worker threads find no files in the single executable.
 */
export function createLogger(options: LoggerOptions): Logger {
  const lines = options.destination ?? new LogOutput();
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: [...neverLogged, ...neverLogged.map((name) => `*.${name}`)], remove: true },
    },
    options.form === "human" ? humanLines(lines, options.colours ?? false) : lines,
  );
}

/**
 * A text from outside, cut to `max` UTF-16 units so that nobody can fill the log; control characters are
 * shown.
 */
export function capped(text: string, max = 256): string {
  const cut = text.length > max ? `${text.slice(0, max).toWellFormed()}…` : text;
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const colourOfLevel: Readonly<Record<string, number>> = {
  fatal: 31,
  error: 31,
  warn: 33,
  info: 32,
  debug: 90,
  trace: 90,
};

/** A line as pino wrote it. */
interface HumanEntry {
  readonly time: string;
  readonly level: string;
  readonly msg?: string;
  readonly err?: unknown;
  readonly [field: string]: unknown;
}

/** Turns each JSON line into a short one for people: time of day, level, message, fields. */
function humanLines(lines: DestinationStream, colours: boolean): DestinationStream {
  const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[39m` : text);
  return {
    write(line: string): void {
      const { time, level, msg = "", err, ...fields } = JSON.parse(line) as HumanEntry;
      const name = level;
      const shown = Object.entries(fields).map(([key, value]) => `${key}=${fieldText(value)}`);
      const stack = typeof err === "object" && err !== null && "stack" in err ? `\n${String(err.stack)}` : "";
      const clock = new Date(time).toTimeString().slice(0, 8);
      const rest = shown.length > 0 ? `  ${paint(90, shown.join(" "))}` : "";
      const level5 = paint(colourOfLevel[name] ?? 39, name.padEnd(5));
      lines.write(`${paint(90, clock)} ${level5} ${msg}${rest}${stack}\n`);
    },
  };
}

function fieldText(value: unknown): string {
  const plain = typeof value === "string" && /^[^\s"=]+$/.test(value);
  return plain ? value : JSON.stringify(value);
}

/**
 * What is logged of a fault: its kind, what it says and where it came from, and nothing else that somebody put into it. A
 * SyntaxError quotes the text that could not be read, which may be a payload or a token, so what it says is left out.
 */
export function faultText(error: unknown): string {
  if (!(error instanceof Error)) return capped(String(error), 200);
  const says =
    error instanceof SyntaxError ? "(not shown: it may quote what was read)" : capped(error.message, 500);
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return [`${error.name}: ${says}`, ...frames].join("\n").slice(0, 2_000);
}
