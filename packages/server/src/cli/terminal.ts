import { writeSync } from "node:fs";

/** Paints a text where the output is a terminal, else returns it as it is. */
export type Paint = (text: string) => string;

/** Where a command writes: results to standard output, everything else to standard error. */
export interface Terminal {
  /** One line of results. Once the reader has gone (`| head`) it ends the process with status 0. */
  out(line: string): void;
  /** One line for the person in front of the screen. */
  err(line: string): void;
  /** Whether a person looks at standard output. */
  readonly isTerminal: boolean;
  readonly bold: Paint;
  readonly dim: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly red: Paint;
}

/** The terminal of this process. Colours only on a terminal, and not under `NO_COLOR` or `TERM=dumb`. */
export function processTerminal(environment: Readonly<Record<string, string | undefined>>): Terminal {
  const isTerminal = process.stdout.isTTY;
  const colours = isTerminal && !environment["NO_COLOR"] && environment["TERM"] !== "dumb";
  const paint = (on: number, off: number): Paint => {
    return (text) => (colours ? `\u001b[${on}m${text}\u001b[${off}m` : text);
  };
  return {
    out: (line) => writeLine(1, line),
    err: (line) => writeLine(2, line),
    isTerminal,
    bold: paint(1, 22),
    dim: paint(2, 22),
    green: paint(32, 39),
    yellow: paint(33, 39),
    red: paint(31, 39),
  };
}

/** Writes at once and whole, so that nothing is lost at an exit and nothing piles up behind a slow reader. */
function writeLine(descriptor: 1 | 2, line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : null;
      if (code === "EPIPE") process.exit(0);
      // A pipe that is full and does not block: the reader is slow, not gone.
      if (code !== "EAGAIN") throw error;
      Bun.sleepSync(1);
    }
  }
}
