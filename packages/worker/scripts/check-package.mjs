import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// Looks at the package as it would be published: what publint and Are The Types Wrong find in it. The package is ESM only,
// which attw is told; Node.js 20.19 and newer can `require` it nevertheless.

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(here, "..", "..", "node_modules", ".bin");
const scratch = mkdtempSync(join(tmpdir(), "tidings-worker-"));

try {
  run(process.execPath, [join(here, "scripts", "build.mjs")]);
  const packed = run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", scratch]);
  const tarball = join(scratch, packed.trim().split("\n").at(-1));
  run(join(bin, "publint"), ["--strict", tarball]);
  run(join(bin, "attw"), ["--profile", "esm-only", "--no-emoji", tarball]);
  console.log("@tidings/worker: publint and attw have nothing to say.");
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function run(program, words) {
  const { status, stdout, stderr, error } = spawnSync(program, words, { cwd: here, encoding: "utf8" });
  if (status === 0) return stdout;
  console.error(`${stdout}${stderr}${error?.message ?? ""}`.trim());
  process.exitCode = 1;
  throw new Error(`${program} ${words.join(" ")}`);
}
