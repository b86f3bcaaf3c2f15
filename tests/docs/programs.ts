import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestRelay } from "../support/test-relay.ts";
import { root } from "./code-blocks.ts";

export const API_KEY = "an-api-key-of-a-test";

/** The code with a test's addresses in place of those of `npm start`. */
export function placed(code: string, relay: TestRelay): string {
  return code
    .replaceAll("localhost:8080", `127.0.0.1:${relay.relay.port}`)
    .replaceAll("127.0.0.1:8080", `127.0.0.1:${relay.relay.port}`)
    .replaceAll(/redis:\/\/127\.0\.0\.1:(6390|6379)/g, relay.redis.url);
}

/** Where programs of the documents run: inside the checkout, so that they find its packages. */
export async function workshop(name: string): Promise<string> {
  const directory = join(root, "node_modules/.cache/tidings/snippets", name);
  await mkdir(directory, { recursive: true });
  return directory;
}

/** An empty folder elsewhere, gone when the test's block ends. */
export async function emptyFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "tidings-guide-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Writes a TypeScript program of a document where it finds the checkout's packages. */
export async function writeScript(name: string, code: string): Promise<string> {
  const path = join(await workshop("typescript"), name.includes(".") ? name : `${name}.ts`);
  await Bun.write(path, code);
  return path;
}

/** Writes a Go program of a document, and returns its folder. */
export async function writeGo(name: string, code: string): Promise<string> {
  const directory = await workshop(`go-${name}`);
  for (const file of ["go.mod", "go.sum"]) {
    await cp(join(root, "tests/clients/go", file), join(directory, file));
  }
  await Bun.write(join(directory, "main.go"), code);
  return directory;
}

export interface Program extends AsyncDisposable {
  /** All that it printed so far. */
  output(): string;
  readonly exited: Promise<number>;
}

/** Where and with what a program runs. */
export interface ProgramOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a program of a document. It and what it started are gone when the test's block ends. */
export function run(command: readonly string[], options: ProgramOptions = {}): Program {
  const { cwd = root, environment = {} } = options;
  // A reader's terminal has none; with that of this process Next.js would pass over `.env.local`.
  const { NODE_ENV: _, ...own } = process.env;
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...own, ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    // In a group of its own, for shells and npm leave what they started when they are killed.
    detached: true,
  });
  let text = "";
  const read = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  };
  const outputs = Promise.all([read(child.stdout), read(child.stderr)]);
  return {
    output: () => text,
    exited: child.exited,
    async [Symbol.asyncDispose]() {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // All of them have ended.
      }
      await Promise.all([child.exited, outputs]);
    },
  };
}

/** The variables with which a program reaches a test's relay. */
export function surroundings(relay: TestRelay): Readonly<Record<string, string>> {
  return { REDIS_URL: relay.redis.url, TIDINGS_REDIS_URL: relay.redis.url, TIDINGS_API_KEY: API_KEY };
}

/** Runs a program to its end, and returns what it printed. Rejects with that where it failed. */
export async function finish(command: readonly string[], options: ProgramOptions = {}): Promise<string> {
  await using program = run(command, options);
  const status = await program.exited;
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}:\n${program.output()}`);
  return program.output();
}
