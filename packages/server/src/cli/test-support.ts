import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("main.ts", import.meta.url));

/** How long a test waits for a line before it gives up, in milliseconds. */
const PATIENCE_MS = 15_000;

/** What a command line printed, and its exit status. */
export interface Finished {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** The variables a command line is run with, beside those of a plain shell. */
export type Environment = Readonly<Record<string, string>>;

/** A `tidings` that runs, killed when the test's block ends (`await using`). */
export interface RunningCli extends AsyncDisposable {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the first match in what was printed so far or will be, on either stream. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  readonly finished: Promise<Finished>;
}

/** Starts `tidings` as a process of its own, with nothing of the test's environment but the search path. */
export function startCli(
  words: readonly string[],
  environment: Environment = {},
  input?: string,
): RunningCli {
  const child = Bun.spawn([process.execPath, "--no-env-file", entry, ...words], {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdin: input === undefined ? "ignore" : new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const heard = new Set<() => void>();
  const texts = { out: "", err: "" };
  const collect = async (stream: ReadableStream<Uint8Array>, into: "out" | "err"): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const part of stream) {
      texts[into] += decoder.decode(part, { stream: true });
      for (const look of heard) look();
    }
  };
  const read = Promise.all([collect(child.stdout, "out"), collect(child.stderr, "err")]);
  const finished = Promise.all([child.exited, read]).then(([status]): Finished => ({ status, ...texts }));
  return {
    pid: child.pid,
    kill: (signal) => child.kill(signal),
    finished,
    printed(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const fail = (): void => reject(new Error(`${pattern} was never printed:\n${texts.out}${texts.err}`));
      const look = (): void => {
        const found = pattern.exec(texts.out) ?? pattern.exec(texts.err);
        if (found !== null) resolve(found);
      };
      const timer = setTimeout(fail, PATIENCE_MS);
      heard.add(look);
      look();
      void finished.then(fail);
      return promise.finally(() => {
        clearTimeout(timer);
        heard.delete(look);
      });
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await finished;
    },
  };
}

/** Runs `tidings` to its end. */
export async function runCli(
  words: readonly string[],
  environment: Environment = {},
  input?: string,
): Promise<Finished> {
  await using cli = startCli(words, environment, input);
  return await cli.finished;
}
