import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureInstalled } from "./ensure-installed.mjs";
import { runTests, tellFailures } from "./test.mjs";

// What CI runs: the checks of `npm run check` and the audit one by one, then `npm test` with nothing skipped.

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.env.CI = "true";

const checks = ["lint", "types", "format:check", "dead-code", "docs:check", "audit"];

ensureInstalled();
let passed = 0;
let failed = 0;
const failedChecks = [];
for (const check of checks) {
  console.log(`\n--- npm run ${check}`);
  const { status } = spawnSync("npm", ["run", "--silent", check], { cwd: root, stdio: "inherit" });
  if (status === 0) passed += 1;
  else failedChecks.push(check);
  console.log(`${status === 0 ? "passed" : "FAILED"}: ${check}`);
}

console.log("\n--- npm test");
const tests = await runTests();
passed += tests.passed;
failed += failedChecks.length + tests.failed;
if (tests.status !== 0 && tests.failed === 0) failed += 1;
if (tests.passed === 0) failed += 1;
if (tests.skipped > 0) {
  console.log(`${tests.skipped} tests were skipped, and in CI none may be`);
  failed += tests.skipped;
}
tellFailures([...tests.failures, ...failedChecks.map((check) => `npm run ${check}`)]);
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
