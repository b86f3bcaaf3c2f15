import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { ensureInstalled } from "./ensure-installed.mjs";
import { testLanes } from "./test-lanes.mjs";
import { ensureTestTools, searchPath } from "./test-tools.mjs";

// What `npm test` does. Arguments are handed to `bun test`: `npm test -- tests/delivery.test.ts`.
// Plain JavaScript for Node.js 20, since it runs before anything is installed.

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A ceiling for one test on a slow machine, not a promise about speed. */
const TEST_TIMEOUT_MS = 120_000;

/**
 * Runs the tests that `words` name, or all of them in two lanes at once. Passes on what they print, the second lane's when
 * the first has ended, and resolves with the sums of the numbers in their closing lines.
 */
export async function runTests(words = []) {
  ensureInstalled();
  const missing = ensureTestTools();
  if (missing.length > 0) {
    const isStrict = process.env.CI === "true";
    console.error(`Tests that need ${missing.join(", ")} ${isStrict ? "will fail" : "are skipped"}.`);
  }
  if (words.length > 0) return runLane(words, process.stdout);

  const [computing, waiting] = testLanes(root).map((files) => files.map((file) => `./${file}`));
  console.log(
    "Two lanes run at once. What faults, scale and security print follows when the others have ended.",
  );
  const later = new PassThrough({ highWaterMark: Number.MAX_SAFE_INTEGER });
  const second = runLane(waiting, later);
  const first = await runLane(computing, process.stdout);
  later.pipe(process.stdout, { end: false });
  const both = [first, await second];
  const sum = (key) => both.reduce((total, lane) => total + lane[key], 0);
  return {
    status: Math.max(...both.map((lane) => lane.status)),
    passed: sum("passed"),
    failed: sum("failed"),
    skipped: sum("skipped"),
  };
}

/** Runs `bun test` with `words` and sends what it prints to `output`. */
async function runLane(words, output) {
  const bun = join(root, "node_modules", "bun", "bin", "bun.exe");
  const child = spawn(bun, ["test", "--timeout", String(TEST_TIMEOUT_MS), ...words], {
    cwd: root,
    env: { ...process.env, PATH: searchPath },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let tail = "";
  for (const from of [child.stdout, child.stderr]) {
    from.on("data", (data) => {
      output.write(data);
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
  const { status, passed, failed } = await runTests(process.argv.slice(2));
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exit(status);
}
