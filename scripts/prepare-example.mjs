import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

// Makes examples/next-agent and examples/python-agent ready to run: what `npm run example` and its tests do first. Next.js
// alone is larger than all the rest of this project, so it has a lock file of its own and is installed when it is wanted.

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const web = join(root, "examples/next-agent");
const agent = join(root, "examples/python-agent");
const client = join(root, "packages/client");
const installedClient = join(web, "node_modules/@tidings/client");
const buildPackage = join(root, "scripts/build-package.mjs");
const venv = join(agent, ".venv");
const isWindows = process.platform === "win32";
/** What Next.js asks for. */
const OLDEST_NODE = [20, 9];

/** The Python of the worker's own environment. */
export const python = join(venv, isWindows ? "Scripts/python.exe" : "bin/python");

/** What the worker needs in its environment to find itself and its SDK, wherever it is started. */
export const pythonPath = [agent, join(root, "sdks/python/src")].join(isWindows ? ";" : ":");

/**
 * Installs and builds whatever does not stem from its present inputs. Throws an error where it cannot, whose last line says
 * what is missing or failed and what to do.
 */
export function prepareExample() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    throw new Error(
      `The example needs Node.js ${OLDEST_NODE.join(".")} or newer and this is ${process.version}: https://nodejs.org`,
    );
  }
  const requirements = hashOf(join(agent, "requirements.txt"));
  const madeFrom = join(venv, "made-from");
  const systemPython = isMadeFrom(madeFrom, requirements) ? null : findPython();

  const packages = hashOf(...["package.json", "package-lock.json", ".npmrc"].map((name) => join(web, name)));
  make(join(web, "node_modules/.made-from"), packages, () => {
    console.error("Installing Next.js for the example (npm ci), once …");
    const words = ["ci", "--no-fund", "--no-audit", "--loglevel=error"];
    run(isWindows ? "npm.cmd" : "npm", words, web, "It needs the npm registry, once.");
  });

  const clientSources = hashOf(
    ...["src", "scripts", "package.json"].map((name) => join(client, name)),
    join(root, "packages/protocol/src"),
    buildPackage,
  );
  make(join(installedClient, ".made-from"), clientSources, () => {
    run(process.execPath, [buildPackage, client], root, "");
    rmSync(installedClient, { recursive: true, force: true });
    mkdirSync(installedClient, { recursive: true });
    for (const part of ["dist", "package.json"]) {
      cpSync(join(client, part), join(installedClient, part), { recursive: true });
    }
  });

  make(madeFrom, requirements, () => {
    console.error("Installing redis-py for the example's worker (pip), once …");
    const words = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", "requirements.txt"];
    run(systemPython, ["-m", "venv", "--clear", venv], agent, "");
    run(python, words, agent, "It needs the Python package index, once.");
  });

  const pages = ["app", "live", "server", "ui", "next.config.ts", "proxy.ts", "tsconfig.json"];
  const sources = hashOf(...pages.map((name) => join(web, name)));
  make(join(web, ".next/made-from"), [packages, clientSources, sources].join(" "), () => {
    console.error("Building the example (next build) …");
    run(process.execPath, [join(web, "node_modules/next/dist/bin/next"), "build"], web, "");
  });
}

/** A Python that the worker can have its environment from. */
function findPython() {
  const question = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  const found = ["python3", "python"].find((name) => spawnSync(name, ["-c", question]).status === 0);
  if (found !== undefined) return found;
  throw new Error(
    "The example's worker needs Python 3.10 or newer with venv; on Debian: apt-get install python3-venv; elsewhere: https://python.org",
  );
}

/** Makes a thing unless its note says that it was made from the same; the note comes last, so half a thing has none. */
function make(note, inputs, build) {
  if (isMadeFrom(note, inputs)) return;
  rmSync(note, { force: true });
  build();
  writeFileSync(note, inputs);
}

function isMadeFrom(note, inputs) {
  return existsSync(note) && readFileSync(note, "utf8") === inputs;
}

/** Says which bytes these files and all in these folders have, under which names; tests beside sources do not count. */
function hashOf(...paths) {
  const hash = createHash("sha256");
  const add = (path) => {
    if (/\.test\.tsx?$/.test(path)) return;
    const entries = readEntries(path);
    if (entries !== null) for (const name of entries) add(join(path, name));
    else
      hash
        .update(`${relative(root, path)}\0`)
        .update(readFileSync(path))
        .update("\0");
  };
  for (const path of paths) add(path);
  return hash.digest("hex");
}

/** The names in a folder, in order; null for a file. */
function readEntries(path) {
  try {
    return readdirSync(path).toSorted();
  } catch (error) {
    if (error.code === "ENOTDIR") return null;
    throw error;
  }
}

function run(program, words, cwd, advice) {
  const result = spawnSync(program, words, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" },
    shell: isWindows,
  });
  if (result.status === 0) return;
  const said = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim() || result.error?.message;
  const call = [program, ...words].join(" ");
  throw new Error(`${said}\n${call} failed in ${relative(root, cwd) || "."}. ${advice}`.trim());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    prepareExample();
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
