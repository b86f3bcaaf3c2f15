import { mkdir } from "node:fs/promises";
import { join } from "node:path";

const HERE = import.meta.dirname;
const CACHE = join(HERE, "../../node_modules/.cache/tidings");

/** A program that the machine has to have. */
export interface Tool {
  readonly command: string;
  /** How to get it, fit for the end of a sentence. */
  readonly install: string;
}

export const REDIS_CLI: Tool = { command: "redis-cli", install: "`apt-get install redis-tools`" };
export const REDIS_SERVER: Tool = { command: "redis-server", install: "`apt-get install redis-server`" };
export const NODE: Tool = { command: "node", install: "https://nodejs.org, 20 or newer" };
export const PYTHON: Tool = { command: "python3", install: "`apt-get install python3 python3-venv`" };
export const GO: Tool = { command: "go", install: "https://go.dev/dl, 1.26 or newer" };

const missing = new Set<Tool>();

/**
 * Whether a trial can run. A missing tool is said in one line; it skips the trial, or with `CI=true` fails
 * it.
 * @throws {Error} with `CI=true`, where the tool is missing.
 */
export function available(tool: Tool): boolean {
  if (Bun.which(tool.command) !== null) return true;
  const sentence = `${tool.command} is missing: its trials need it; get it with ${tool.install}`;
  if (process.env["CI"] === "true") throw new Error(sentence);
  if (!missing.has(tool)) console.warn(`skipped: ${sentence}`);
  missing.add(tool);
  return false;
}

/** A Python that has the pinned redis-py, in the cache; the first call installs it. */
export async function pythonWithRedis(): Promise<string> {
  const requirements = join(HERE, "python/requirements.txt");
  const wanted = await Bun.file(requirements).text();
  const environment = join(CACHE, "python");
  const stamp = Bun.file(join(environment, "installed.txt"));
  const python = join(environment, "bin/python");
  if ((await stamp.exists()) && (await stamp.text()) === wanted) return python;
  await mkdir(CACHE, { recursive: true });
  await run(["python3", "-m", "venv", "--clear", environment]);
  await run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
  await Bun.write(stamp, wanted);
  return python;
}

/** The trial program of go-redis, built into the cache; the first call downloads its pinned modules. */
export async function goTrial(): Promise<string> {
  const program = join(CACHE, "go/trial");
  await run(["go", "build", "-o", program, "."], join(HERE, "go"));
  return program;
}

async function run(command: readonly string[], cwd: string = HERE): Promise<void> {
  const child = Bun.spawn([...command], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`\`${command.join(" ")}\` failed with ${code}:\n${out}${err}`);
}
