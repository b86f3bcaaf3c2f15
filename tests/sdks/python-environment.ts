import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../support/process.ts";

/** The Python SDK. */
export const sdk: string = join(root, "sdks/python");

const CACHE = join(root, "node_modules/.cache/tidings");

/** What a program printed, and how it ended. */
export interface Outcome {
  readonly status: number;
  readonly output: string;
}

/** A Python with what the SDK's tests need, in the cache; the first call installs it. */
export function pythonForSdk(): Promise<string> {
  return pythonWith(join(sdk, "tests/requirements.txt"), "python-sdk");
}

/** A Python with pinned packages, in the cache under a name; the first call installs it. */
export async function pythonWith(requirements: string, name: string): Promise<string> {
  const wanted = await Bun.file(requirements).text();
  const environment = join(CACHE, name);
  const stamp = Bun.file(join(environment, "installed.txt"));
  const python = join(environment, "bin/python");
  if ((await stamp.exists()) && (await stamp.text()) === wanted) return python;
  await mkdir(CACHE, { recursive: true });
  for (const words of [
    ["python3", "-m", "venv", "--clear", environment],
    [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements],
  ]) {
    const { status, output } = await run(words);
    if (status !== 0) throw new Error(`\`${words.join(" ")}\` failed with ${status}:\n${output}`);
  }
  await Bun.write(stamp, wanted);
  return python;
}

/** Runs a program in the SDK's folder, without leaving caches there. */
export async function run(words: readonly string[]): Promise<Outcome> {
  const child = Bun.spawn([...words], {
    cwd: sdk,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, output: out + err };
}
