import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../support/process.ts";

const here = join(import.meta.dir, "node");
const cache = join(root, "node_modules/.cache/tidings/node-24");

/**
 * The path of the pinned Node.js 24, in the cache: the first call downloads it, which is why it is no dependency of the
 * workspace. npm packs the program itself for Linux; elsewhere the machine's own `node` has to be a Node.js 24.
 * @throws {Error} where there is none.
 */
export async function nodeProgram(): Promise<string> {
  const pinned = join(cache, "node_modules/.bin/node");
  const wanted = await Bun.file(join(here, "package-lock.json")).text();
  const stamp = Bun.file(join(cache, "installed.json"));
  if (!(await stamp.exists()) || (await stamp.text()) !== wanted) {
    await mkdir(cache, { recursive: true });
    for (const name of ["package.json", "package-lock.json"])
      await copyFile(join(here, name), join(cache, name));
    await said(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    await Bun.write(stamp, wanted);
  }
  const program = (await Bun.file(pinned).exists()) ? pinned : "node";
  const version = await said([program, "--version"]);
  if (!version.startsWith("v24."))
    throw new Error(`missing: Node.js 24, and this is ${version}: https://nodejs.org`);
  return program;
}

/** What a program prints. Rejects with it where the program fails. */
async function said(words: readonly string[]): Promise<string> {
  const child = Bun.spawn([...words], { cwd: cache, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`\`${words.join(" ")}\` failed with ${status}:\n${out}${err}`);
  return out.trim();
}
