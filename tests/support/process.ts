import { join } from "node:path";
import { eventually } from "./eventually.ts";

/** The checkout. */
export const root: string = join(import.meta.dir, "../..");

/** A program of this project that runs until its test ends. */
export interface RunningProcess extends AsyncDisposable {
  readonly pid: number;
  /** All that it printed so far, standard output and error together. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  /** Its exit status, once it ended. */
  readonly exited: Promise<number>;
}

/** Starts a program in the checkout, with these variables beside the machine's own. */
export function startProcess(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): RunningProcess {
  const child = Bun.spawn([...words], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) output += decoder.decode(chunk, { stream: true });
  };
  void collect(child.stdout);
  void collect(child.stderr);
  return {
    pid: child.pid,
    output: () => output,
    kill: (signal) => child.kill(signal),
    exited: child.exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Starts `tidings <command>` from source. */
export function startTidings(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): RunningProcess {
  return startProcess([process.execPath, "packages/server/src/cli/main.ts", ...words], environment);
}

/** Resolves once a relay on this port says that updates arrive. */
export async function untilReady(port: number): Promise<void> {
  await eventually(`the relay on port ${port} is ready`, () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      (response) => response.status === 200,
      () => false,
    ),
  );
}
