import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPackage } from "./build-package.mjs";

// Looks at a package as it would be published: what publint and Are The Types Wrong find in it. Packages are ESM only, which
// attw is told; Node.js 20.19 and newer can `require` them nevertheless.

const folder = resolve(process.argv[2] ?? ".");
const bin = join(dirname(dirname(fileURLToPath(import.meta.url))), "node_modules", ".bin");
const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const scratch = mkdtempSync(join(tmpdir(), "tidings-package-"));

try {
  buildPackage(folder);
  const packed = run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", scratch]);
  const tarball = join(scratch, packed.trim().split("\n").at(-1));
  run(join(bin, "publint"), ["--strict", tarball]);
  run(join(bin, "attw"), ["--profile", "esm-only", "--no-emoji", tarball]);
  console.log(`${name}: publint and attw have nothing to say.`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function run(program, words) {
  const { status, stdout, stderr, error } = spawnSync(program, words, { cwd: folder, encoding: "utf8" });
  if (status === 0) return stdout;
  console.error(`${stdout}${stderr}${error?.message ?? ""}`.trim());
  process.exitCode = 1;
  throw new Error(`${program} ${words.join(" ")}`);
}
