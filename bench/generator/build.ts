import { mkdir } from "node:fs/promises";
import { join } from "node:path";

/** Where programs go that are built or installed for the bench alone. */
export const CACHE: string = join(import.meta.dir, "../../node_modules/.cache/tidings-bench");

/**
 * Builds the load generator and returns where it is.
 * @throws {Error} one line that says what is missing.
 */
export async function buildGenerator(): Promise<string> {
  if (Bun.which("gcc") === null)
    throw new Error("the load generator needs gcc: apt-get install gcc libc6-dev");
  await mkdir(CACHE, { recursive: true });
  const program = join(CACHE, "generator");
  const sources = ["main", "connections", "frames", "publish", "inbound", "template", "histogram"];
  const files = sources.map((name) => join(import.meta.dir, `${name}.c`));
  // Built beside and moved: another bench may be running the one that is there.
  const fresh = `${program}.${process.pid}`;
  const words = ["gcc", "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE", "-o", fresh, ...files];
  const { exitCode, stderr } = Bun.spawnSync(words);
  if (exitCode !== 0) throw new Error(`the load generator does not build:\n${stderr.toString()}`);
  Bun.spawnSync(["mv", fresh, program]);
  return program;
}
