import { expect, test } from "bun:test";
import { eventually } from "../tests/support/eventually.ts";
import { processCost } from "./process-cost.ts";

/** Burns this much processor time, in milliseconds, says so, and stays. */
const BURN_MS = 150;
const BURN = `
  while (process.cpuUsage().user / 1000 < ${BURN_MS});
  console.log("burnt");
  setInterval(() => {}, 1000);
`;

test("what a child of a system used is counted as the system's, and not as its own", async () => {
  await using parent = Bun.spawn(["sh", "-c", '"$0" -e "$1" & wait', process.execPath, BURN], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await eventually("the child burnt its time", () => processCost.treeCpu(parent.pid).user >= BURN_MS / 1_000);
  const [, child] = processCost.tree(parent.pid);
  expect(processCost.cpu(parent.pid).total).toBeLessThan(BURN_MS / 1_000);
  process.kill(child ?? 0, "SIGKILL");
});

test("what the threads of a process used is counted", async () => {
  const worker = `
    const { Worker } = require("node:worker_threads");
    new Worker("const end = Date.now() + 1e9; for (;;) if (Date.now() > end) break;", { eval: true });
  `;
  await using child = Bun.spawn([process.execPath, "-e", worker], { stdio: ["ignore", "pipe", "inherit"] });
  await eventually("the thread's time shows", () => processCost.cpu(child.pid).total >= 0.5);
  expect(processCost.threadSeconds(child.pid)).toBeGreaterThan(0.3);
});
