import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureInstalled } from "./ensure-installed.mjs";
import { ensureTestTools, searchPath } from "./test-tools.mjs";

// What `npm test` does. Arguments are handed to `bun test`: `npm test -- tests/delivery.test.ts`.
// Plain JavaScript for Node.js 20, since it runs before anything is installed.

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A ceiling for one test on a slow machine, not a promise about speed. */
const TEST_TIMEOUT_MS = 120_000;

/** Runs all tests, passes on what they print, and resolves with the numbers of their closing lines. */
export async function runTests(words = []) {
  ensureInstalled();
  const missing = ensureTestTools();
  if (missing.length > 0) {
    const isStrict = process.env.CI === "true";
    console.error(`Tests that need ${missing.join(", ")} ${isStrict ? "will fail" : "are skipped"}.`);
  }
  const bun = join(root, "node_modules", "bun", "bin", "bun.exe");
  const child = spawn(bun, ["test", "--timeout", String(TEST_TIMEOUT_MS), ...words], {
    cwd: root,
    env: { ...process.env, PATH: searchPath },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let tail = "";
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    from.on("data", (data) => {
      to.write(data);
      tail = (tail + data).slice(-2_000);
    });
  }
  const status = await new Promise((resolve) => {
    child.once("close", (code) => resolve(code ?? 1));
  });
  const count = (word) => Number(new RegExp(`^\\s*(\\d+) ${word}$`, "m").exec(tail)?.[1] ?? 0);
  return { status, passed: count("pass"), failed: count("fail"), skipped: count("skip") };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { status } = await runTests(process.argv.slice(2));
  process.exit(status);
}
