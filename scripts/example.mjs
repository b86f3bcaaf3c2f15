import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ensureInstalled } from "./ensure-installed.mjs";
import { prepareExample, python, pythonPath } from "./prepare-example.mjs";

// What `npm run example` does: installs, builds, then runs a relay with history, the Python worker and the production build
// of the web application until one of them ends or a signal comes. With TIDINGS_REDIS_URL it uses that Redis, else the
// relay's embedded broker. Plain JavaScript for Node.js 20, since it runs before anything is installed.

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 100;
/** How long those that are left have to end by themselves. */
const STOP_TIMEOUT_MS = 5_000;

const webPort = process.env.PORT || "3000";
const relayPort = process.env.TIDINGS_PORT || "8080";
const agentPort = process.env.AGENT_PORT || "8090";
const url = `http://localhost:${webPort}`;
const secret = () => randomBytes(32).toString("base64url");
/** Whoever starts the example gives none, so each start has its own; sessions end with it. */
const secrets = {
  TIDINGS_JWT_SECRET: process.env.TIDINGS_JWT_SECRET || secret(),
  TIDINGS_API_KEY: process.env.TIDINGS_API_KEY || secret(),
};
const agentKey = secret();

/** The processes that run, with a promise of how each ended. */
const children = [];
const stopping = new AbortController();
let settleFirstEnd;
const firstEnd = new Promise((resolve) => {
  settleFirstEnd = resolve;
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    stopping.abort();
    settleFirstEnd({ name: signal, code: 0 });
  });
}

/** Starts one in a process group of its own, so that Ctrl-C reaches it through here alone. */
function run(name, program, words, { environment = {}, ...options } = {}) {
  const child = spawn(program, words, {
    cwd: root,
    detached: process.platform !== "win32",
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...environment },
    ...options,
  });
  const exited = new Promise((resolve) => {
    child.once("error", ({ message }) => resolve({ name, reason: message, code: 1 }));
    child.once("exit", (code, signal) =>
      resolve({ name, reason: signal ?? `status ${code}`, code: code ?? 1 }),
    );
  });
  children.push({ child, exited });
  void exited.then(settleFirstEnd);
  return child;
}

/** Resolves with true once this address answers well, with false where all stops, also because it never does. */
async function answers(name, address) {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline && !stopping.signal.aborted) {
    const response = await fetch(address, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    if (response?.ok) return true;
    await after(POLL_MS);
  }
  settleFirstEnd({ name, reason: `no answer from ${address}`, code: 1 });
  return false;
}

async function startAll() {
  const relay = run(
    "the relay",
    join(root, "node_modules/bun/bin/bun.exe"),
    ["packages/server/src/cli/main.ts", "dev"],
    {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      environment: {
        ...secrets,
        TIDINGS_PORT: relayPort,
        TIDINGS_HISTORY: "true",
        TIDINGS_INSECURE_USER_ID: "false",
        TIDINGS_ALLOWED_ORIGINS: process.env.TIDINGS_ALLOWED_ORIGINS || `${url},http://127.0.0.1:${webPort}`,
      },
    },
  );
  const { readyUrl, redisUrl } = await new Promise((resolve) => relay.once("message", resolve));
  if (!(await answers("the relay", readyUrl))) return;

  run("the worker", python, ["-m", "agent"], {
    environment: { PYTHONPATH: pythonPath, REDIS_URL: redisUrl, AGENT_KEY: agentKey, AGENT_PORT: agentPort },
  });
  const next = join(root, "examples/next-agent/node_modules/next/dist/bin/next");
  run("the web application", process.execPath, [next, "start", "examples/next-agent", "-p", webPort], {
    stdio: ["ignore", "ignore", "inherit"],
    environment: {
      ...secrets,
      NEXT_TELEMETRY_DISABLED: "1",
      SESSION_SECRET: process.env.SESSION_SECRET || secret(),
      RELAY_INTERNAL_URL: new URL(readyUrl).origin,
      ...(relayPort !== "8080" && { RELAY_URL: process.env.RELAY_URL || `http://localhost:${relayPort}` }),
      AGENT_URL: `http://127.0.0.1:${agentPort}`,
      AGENT_KEY: agentKey,
    },
  });
  if (await answers("the web application", `${url}/sign-in`))
    console.log(
      `\n  Quill  ${url}\n\n  Sign in on two devices or in two browsers, and ask. Ctrl-C stops everything.\n`,
    );
}

ensureInstalled();
try {
  prepareExample();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
void startAll();
const first = await firstEnd;
const wasAsked = stopping.signal.aborted;
stopping.abort();
for (const { child } of children) child.kill("SIGTERM");
const ends = Promise.all(children.map(({ exited }) => exited));
await Promise.race([ends, after(STOP_TIMEOUT_MS)]);
for (const { child } of children) {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
}
await ends;
if (!wasAsked) console.error(`${first.name} ended by itself (${first.reason}), so everything is.`);
process.exit(wasAsked ? 0 : first.code || 1);
