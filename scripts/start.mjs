import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as after } from "node:timers/promises";
import { ensureInstalled } from "./ensure-installed.mjs";

// What `npm start` does: installs, then runs the development relay, with history, and the example worker until one of
// them ends or a signal comes. Plain JavaScript for Node.js 20, since it runs before anything is installed.

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const READY_TIMEOUT_MS = 20_000;
const WORKER_TIMEOUT_MS = 10_000;
const POLL_MS = 100;
/** How long the one that is left has to end by itself. */
const STOP_TIMEOUT_MS = 5_000;
const RELAY = "the relay";

ensureInstalled();
const bun = join(root, "node_modules", "bun", "bin", "bun.exe");

/** The processes that run, by name, with what each ended with. */
const children = new Map();
let settleFirstEnd;
/** Resolves with the process that ends first. */
const firstEnd = new Promise((resolve) => {
  settleFirstEnd = resolve;
});
/** Aborted once a signal or the end of a process has begun the end of all. */
const stopping = new AbortController();

/**
 * Starts one in a process group of its own: Ctrl-C reaches it once, through here, and not from the terminal
 * too.
 */
function run(name, words, options) {
  const child = spawn(bun, words, { cwd: root, detached: process.platform !== "win32", ...options });
  const exited = new Promise((resolve) => {
    child.once("error", (error) => resolve({ name, reason: error.message, code: 1 }));
    child.once("exit", (code, signal) =>
      resolve({ name, reason: signal ?? `status ${code}`, code: code ?? 1 }),
    );
  });
  children.set(name, { child, exited });
  void exited.then(settleFirstEnd);
  return child;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    stopping.abort();
    // The relay counts interrupts, so it gets each; a terminal that hangs up asks it to drain.
    children.get(RELAY)?.child.kill(signal === "SIGHUP" ? "SIGTERM" : signal);
  });
}

function hasEnded(child) {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Whether updates arrive at the relay, asked until they do, it ends, or time is up. */
async function isReady(readyUrl) {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline && !stopping.signal.aborted) {
    const response = await fetch(readyUrl, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    if (response?.status === 200) return true;
    await after(POLL_MS);
  }
  return false;
}

/** Passes the worker's lines on, and resolves when it says that it is ready. */
function workerReady(worker) {
  return new Promise((resolve) => {
    worker.stderr.on("data", (data) => {
      process.stderr.write(data);
      if (String(data).includes("ready")) resolve();
    });
    void after(WORKER_TIMEOUT_MS, undefined, { ref: false }).then(resolve);
  });
}

const relay = run(RELAY, ["packages/server/src/cli/main.ts", "dev", ...process.argv.slice(2)], {
  stdio: ["ignore", "inherit", "inherit", "ipc"],
  // A page that is reloaded then has everything again. An empty variable counts as not set.
  env: { ...process.env, TIDINGS_HISTORY: process.env.TIDINGS_HISTORY || "true" },
});

/** Starts the worker once the relay is ready, and shows last what to try. */
async function goOn({ readyUrl, redisUrl, lines }) {
  if (!(await isReady(readyUrl))) {
    if (!stopping.signal.aborted)
      console.error(`The relay is not ready yet (${readyUrl}); going on without the example worker.`);
  } else if (!stopping.signal.aborted) {
    const worker = run("the example worker", ["examples/docs-worker/src/worker.ts"], {
      stdio: ["ignore", "inherit", "pipe", "ipc"],
      env: { ...process.env, REDIS_URL: redisUrl },
    });
    await workerReady(worker);
  }
  if (!stopping.signal.aborted) console.log(lines.join("\n"));
}
relay.once("message", (message) => void goOn(message));

const first = await firstEnd;
const wasAsked = stopping.signal.aborted;
stopping.abort();
for (const { child } of children.values()) if (!hasEnded(child)) child.kill("SIGTERM");
const ends = Promise.all([...children.values()].map(({ exited }) => exited));
await Promise.race([ends, after(STOP_TIMEOUT_MS)]);
for (const { child } of children.values()) if (!hasEnded(child)) child.kill("SIGKILL");
await ends;
if (!wasAsked) console.error(`${first.name} ended by itself (${first.reason}), so everything is.`);
process.exit(wasAsked ? first.code : first.code || 1);
