import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// Plain JavaScript for Node.js 20 without dependencies: it runs before anything is installed.

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = 20;

/** When a file was last changed, in milliseconds since 1970; 0 where there is none. */
function changedAt(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/**
 * Installs what package-lock.json names unless that is done. Ends the process with one line where it cannot.
 */
export function ensureInstalled() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < OLDEST_NODE) {
    console.error(
      `Tidings needs Node.js ${OLDEST_NODE} or newer and this is ${process.version}: https://nodejs.org`,
    );
    process.exit(1);
  }
  // npm writes this file last, so a half-done installation does not count.
  if (changedAt("node_modules/.package-lock.json") >= changedAt("package-lock.json")) return;
  console.error("Installing what Tidings needs (npm ci), once …");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const environment = { ...process.env, NODE_ENV: "development" };
  const options = { cwd: root, env: environment, encoding: "utf8", shell: process.platform === "win32" };
  const result = spawnSync(npm, ["ci", "--no-fund", "--no-audit", "--loglevel=error"], options);
  if (result.status === 0) return;
  console.error(result.stderr?.trim() || result.error?.message || "");
  console.error("npm ci failed; the lines above say why. It needs the npm registry, once.");
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureInstalled();
