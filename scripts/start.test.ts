import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

setDefaultTimeout(60_000);

const scripts = import.meta.dir;
let checkout = "";

/** A checkout with nothing but a lock file, and an npm that notes how it was called. */
beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), "tidings-checkout-"));
  await mkdir(join(checkout, "bin"));
  await mkdir(join(checkout, "scripts"));
  await cp(join(scripts, "ensure-installed.mjs"), join(checkout, "scripts/ensure-installed.mjs"));
  await writeFile(join(checkout, "package-lock.json"), "{}");
  const npm = [
    "#!/bin/sh",
    'echo "$*" >> calls',
    '[ -n "$OFFLINE" ] && { echo "npm error network" >&2; exit 1; }',
    "mkdir -p node_modules && touch node_modules/.package-lock.json",
  ];
  await writeFile(join(checkout, "bin/npm"), npm.join("\n"));
  await chmod(join(checkout, "bin/npm"), 0o755);
});

afterAll(async () => {
  await rm(checkout, { recursive: true });
});

async function ensureInstalled(
  environment: Record<string, string> = {},
): Promise<{ status: number; err: string }> {
  const child = Bun.spawn(["node", "scripts/ensure-installed.mjs"], {
    cwd: checkout,
    env: { PATH: `${join(checkout, "bin")}:${process.env["PATH"] ?? ""}`, ...environment },
    stderr: "pipe",
  });
  const [err, status] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  return { status, err };
}

async function installs(): Promise<number> {
  const calls = await readFile(join(checkout, "calls"), "utf8");
  return calls.split("\n").filter((call) => call.startsWith("ci ")).length;
}

test("what is missing is installed once, again when the lock file changes, and failure is told", async () => {
  const offline = await ensureInstalled({ OFFLINE: "1" });
  expect(offline).toEqual({ status: 1, err: expect.stringContaining("npm error network\nnpm ci failed") });
  expect(await ensureInstalled()).toMatchObject({ status: 0, err: expect.stringContaining("npm ci") });
  expect(await ensureInstalled()).toEqual({ status: 0, err: "" });
  expect(await installs()).toBe(2);
  const later = new Date(Date.now() + 60_000);
  await utimes(join(checkout, "package-lock.json"), later, later);
  expect((await ensureInstalled()).status).toBe(0);
  expect(await installs()).toBe(3);
});

test("start shows what to try last, once the worker is ready, and ends both on SIGTERM with 0", async () => {
  const words = [join(scripts, "start.mjs"), "--port", "0", "--embedded-port", "0"];
  const child = Bun.spawn(["sh", "-c", 'exec node "$@" 2>&1', "sh", ...words], {
    env: { PATH: process.env["PATH"] ?? "" },
    stdout: "pipe",
  });
  let said = "";
  const decoder = new TextDecoder();
  for await (const part of child.stdout) {
    said += decoder.decode(part, { stream: true });
    if (said.includes("For development")) child.kill("SIGTERM");
  }
  expect(said.indexOf("docs-worker: ready")).toBeLessThan(said.indexOf("Playground"));
  expect(said).toMatch(/redis-cli -p \d+ publish updates/);
  expect(await child.exited).toBe(0);
});
