import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureInstalled } from "./ensure-installed.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const name = process.platform === "win32" ? "tidings.exe" : "tidings";
const target = join("dist", name);

ensureInstalled();
const bun = join(root, "node_modules", "bun", "bin", "bun.exe");
const entry = "packages/server/src/cli/main.ts";
const words = ["build", "--compile", "--minify-syntax", "--minify-whitespace"];
// An executable must not run code or take settings from whatever directory it is started in.
const closed = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
const options = { cwd: root, encoding: "utf8", env: { ...process.env, NODE_ENV: "production" } };
const result = spawnSync(bun, [...words, ...closed, entry, "--outfile", target], options);
if (result.status !== 0) {
  console.error(`${result.stdout}${result.stderr}${result.error?.message ?? ""}`.trim());
  process.exit(1);
}
const said = spawnSync(join(root, target), ["--version"], { encoding: "utf8" });
if (said.status !== 0) {
  console.error(`${target} was built and does not start: ${said.stderr}`);
  process.exit(1);
}
const megabytes = (statSync(join(root, target)).size / 1_000_000).toFixed(1);
console.log(`${target}  tidings ${said.stdout.trim()}  ${megabytes} MB`);
