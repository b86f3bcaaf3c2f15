import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
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
 * both have ended, and resolves with the sums of the numbers in their closing lines and with what the failed ones printed.
 */
export async function runTests(words = []) {
  ensureInstalled();
  const missing = ensureTestTools();
  if (missing.length > 0) {
    const isStrict = process.env.CI === "true";
    console.error(`Tests that need ${missing.join(", ")} ${isStrict ? "will fail" : "are skipped"}.`);
  }
  if (words.length > 0) return runLane(words, writeOut);

  const [computing, waiting] = testLanes(root).map((files) => files.map((file) => `./${file}`));
  console.log("Two lanes run at once. What faults, scale and security print follows when all have ended.");
  const printed = [];
  const second = runLane(waiting, (text) => printed.push(text));
  const first = await runLane(computing, writeOut);
  const both = [first, await second];
  writeOut(printed.join(""));
  const sum = (key) => both.reduce((total, lane) => total + lane[key], 0);
  return {
    status: Math.max(...both.map((lane) => lane.status)),
    passed: sum("passed"),
    failed: sum("failed"),
    skipped: sum("skipped"),
    failures: both.flatMap((lane) => lane.failures),
  };
}

/** How many lines of what a failed test printed last are told again. */
const FAILURE_LINES = 40;

/** What each failed test of a lane printed, its own line last. */
class FailureWatch {
  failures = [];
  #told = new Set();
  #lines = [];
  #rest = "";

  see(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    for (const line of lines) {
      this.#lines.push(line);
      // Bun names them all once more at the end.
      if (line.startsWith("(fail)") && !this.#told.has(line)) {
        this.#told.add(line);
        this.failures.push(this.#lines.slice(-FAILURE_LINES).join("\n"));
      }
      if (/^\((?:fail|pass|skip)\)/.test(line)) this.#lines = [];
      else if (this.#lines.length > 2 * FAILURE_LINES) this.#lines = this.#lines.slice(-FAILURE_LINES);
    }
  }
}

/** Tells what failed once more, since thousands of lines may stand behind it. */
export function tellFailures(failures) {
  for (const failure of failures) console.log(`\n--- failed\n${failure}`);
}

function writeOut(text) {
  process.stdout.write(text);
}

/** Runs `bun test` with `words` and hands what it prints to `tell`. */
async function runLane(words, tell) {
  const bun = join(root, "node_modules", "bun", "bin", "bun.exe");
  const child = spawn(bun, ["test", "--timeout", String(TEST_TIMEOUT_MS), ...words], {
    cwd: root,
    env: { ...process.env, PATH: searchPath },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let tail = "";
  const watch = new FailureWatch();
  for (const from of [child.stdout, child.stderr]) {
    from.setEncoding("utf8");
    from.on("data", (text) => {
      tell(text);
      tail = (tail + text).slice(-2_000);
      watch.see(text);
    });
  }
  const status = await new Promise((resolve) => {
    child.once("close", (code) => resolve(code ?? 1));
  });
  const count = (word) => Number(new RegExp(`^\\s*(\\d+) ${word}$`, "m").exec(tail)?.[1] ?? 0);
  return {
    status,
    passed: count("pass"),
    failed: count("fail"),
    skipped: count("skip"),
    failures: watch.failures,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { status, passed, failed, failures } = await runTests(process.argv.slice(2));
  tellFailures(failures);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exit(status);
}
