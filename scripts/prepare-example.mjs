import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// Makes examples/next-agent and examples/python-agent ready to run: what `npm run example` and its tests do first. Next.js
// alone is larger than all the rest of this project, so it has a lock file of its own and is installed when it is wanted.

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const web = join(root, "examples/next-agent");
const agent = join(root, "examples/python-agent");
const client = join(root, "packages/client");
const installedClient = join(web, "node_modules/@tidings/client");
const venv = join(agent, ".venv");

/** The Python of the worker's own environment. */
export const python = join(venv, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

/** What the worker needs in its environment to find itself and its SDK, wherever it is started. */
export const pythonPath = [agent, join(root, "sdks/python/src")].join(
  process.platform === "win32" ? ";" : ":",
);

/** Installs and builds what is missing or older than its sources. Throws an error with one line that says what failed. */
export function prepareExample() {
  const lock = join(web, "package-lock.json");
  if (changedAt(join(web, "node_modules/.package-lock.json")) < changedAt(lock)) {
    console.error("Installing Next.js for the example (npm ci), once …");
    run(npm(), ["ci", "--no-fund", "--no-audit", "--loglevel=error"], web);
  }

  const clientSources = newest(join(client, "src"), join(client, "scripts"), join(client, "package.json"));
  if (changedAt(join(client, "dist/index.js")) < clientSources) {
    run(process.execPath, [join(client, "scripts/build.mjs")], root);
  }
  if (changedAt(join(installedClient, "dist/index.js")) < changedAt(join(client, "dist/index.js"))) {
    rmSync(installedClient, { recursive: true, force: true });
    mkdirSync(installedClient, { recursive: true });
    for (const part of ["dist", "package.json"]) {
      cpSync(join(client, part), join(installedClient, part), { recursive: true, preserveTimestamps: true });
    }
  }

  const requirements = join(agent, "requirements.txt");
  const isReady = join(venv, "ready");
  if (changedAt(isReady) < changedAt(requirements)) {
    console.error("Installing redis-py for the example's worker, once …");
    run("python3", ["-m", "venv", "--clear", venv], agent);
    run(python, ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements], agent);
    writeFileSync(isReady, "");
  }

  const folders = ["app", "live", "server", "ui"].map((name) => join(web, name));
  const files = ["package.json", "next.config.ts", "proxy.ts"].map((name) => join(web, name));
  if (changedAt(join(web, ".next/BUILD_ID")) < newest(...folders, ...files, installedClient)) {
    console.error("Building the example (next build) …");
    run(process.execPath, [join(web, "node_modules/next/dist/bin/next"), "build"], web);
  }
}

function run(program, words, cwd) {
  const result = spawnSync(program, words, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" },
    shell: process.platform === "win32",
  });
  if (result.status === 0) return;
  const said = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim() || result.error?.message;
  throw new Error(`${[program, ...words].join(" ")} failed:\n${said}`);
}

function npm() {
  return process.platform === "win32" ? "npm.cmd" : "npm";
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** When the newest file of these folders was changed. */
function newest(...paths) {
  let latest = 0;
  for (const path of paths) {
    if (!existsSync(path)) continue;
    if (!statSync(path).isDirectory()) latest = Math.max(latest, changedAt(path));
    else for (const name of readdirSync(path)) latest = Math.max(latest, newest(join(path, name)));
  }
  return latest;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) prepareExample();
