import { expect, test } from "bun:test";
import { createClient } from "@redis/client";
import type { CDPSession } from "playwright-core";
import { chromiumPath, startBrowser } from "../support/browser.ts";
import { startStage } from "./support/stage.ts";
import { visit } from "./support/visitor.ts";

const needsChromium = test.skipIf(chromiumPath === null && process.env["CI"] !== "true");

const perSecond = 200;
/** A minute where it is asked for; long enough to see growth otherwise. */
const seconds = Number(process.env["EXAMPLE_SECONDS"] || 20);
const parts = 4;
const heapGrowthLimit = 5 * 1024 * 1024;

/** Counts what React commits to the answer, and tasks that kept the page from answering. */
const watch = `
  globalThis.commits = 0;
  globalThis.longTasks = [];
  new MutationObserver(() => { commits += 1; })
    .observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true });
  new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) longTasks.push(duration); })
    .observe({ type: "longtask" });
`;

interface Reading {
  readonly commits: number;
  readonly longTasks: readonly number[];
  readonly heapBytes: number;
  readonly nodes: number;
  /** Seconds of work of the page's main thread, since it was opened. */
  readonly taskSeconds: number;
}

needsChromium(
  `${perSecond} tokens a second render once a frame at most, and cost no more as they go on`,
  async () => {
    await using stage = await startStage();
    await using browser = await startBrowser();
    const ada = await visit(browser, stage, "Ada");
    const devTools = await ada.page.context().newCDPSession(ada.page);
    await devTools.send("Performance.enable");
    await devTools.send("HeapProfiler.enable");
    const redis = createClient({ url: stage.redis.url });
    await redis.connect();
    const tell = (type: string, payload: object): Promise<unknown> => {
      const update = JSON.stringify({ target_user_id: "ada", type, payload });
      return redis.sendCommand(["FCALL", "tidings_publish", "1", "tidings:{ada}:log", update]);
    };

    const run = { run: "r", thread: "t", question: "How long is a minute?", started: 0 };
    await tell("agent_started", { ...run, n: 1 });
    await ada.page.getByTestId("jobs").getByText(run.question).click();
    await ada.runs.waitFor();
    await ada.page.evaluate(watch);
    const readings = [await read(devTools, (text) => ada.page.evaluate(text))];
    let told = 0;
    for (let part = 1; part <= parts; part += 1) {
      const begun = performance.now();
      for (let count = 1; count <= (seconds / parts) * perSecond; count += 1) {
        told += 1;
        void tell("agent_token", { run: "r", n: told + 1, text: token(told) });
        await Bun.sleep(begun + (count * 1_000) / perSecond - performance.now());
      }
      readings.push(await read(devTools, (text) => ada.page.evaluate(text)));
    }
    await ada.page.getByText(`word${told}.`).waitFor();
    report(readings);

    const [first, second, last] = [readings[0], readings[1], readings.at(-1)];
    if (first === undefined || second === undefined || last === undefined) throw new Error("no readings");
    expect(last.commits).toBeGreaterThan(0);
    expect(last.commits).toBeLessThan(told / 2);
    expect(last.heapBytes - second.heapBytes).toBeLessThan(heapGrowthLimit);
    const text = Array.from({ length: told }, (_, at) => token(at + 1)).join("");
    expect((await ada.answer.textContent())?.replaceAll(/\s+/g, "")).toBe(text.replaceAll(/\s+/g, ""));
    expect(ada.rereads).toBe(0);
    expect(ada.errors).toEqual([]);
    redis.destroy();
  },
);

/** Paragraphs of sixty words, the last of them with a full stop to be found by. */
function token(n: number): string {
  return n % 60 === 0 ? ` word${n}.\n\n` : ` word${n}.`;
}

async function read(devTools: CDPSession, evaluate: (text: string) => Promise<unknown>): Promise<Reading> {
  await devTools.send("HeapProfiler.collectGarbage");
  const { metrics } = await devTools.send("Performance.getMetrics");
  const metric = (name: string): number => metrics.find((candidate) => candidate.name === name)?.value ?? 0;
  const counted = (await evaluate("({ commits, longTasks })")) as Pick<Reading, "commits" | "longTasks">;
  return {
    ...counted,
    heapBytes: metric("JSHeapUsedSize"),
    nodes: metric("Nodes"),
    taskSeconds: metric("TaskDuration"),
  };
}

function report(readings: readonly Reading[]): void {
  for (const [index, reading] of readings.entries()) {
    const before = readings[index - 1];
    if (before === undefined) continue;
    const length = seconds / parts;
    const tasks = reading.longTasks.slice(before.longTasks.length);
    console.log(
      [
        `seconds ${(index - 1) * length} to ${index * length}:`,
        `${((reading.commits - before.commits) / length).toFixed(1)} renders/s,`,
        `main thread busy ${((100 * (reading.taskSeconds - before.taskSeconds)) / length).toFixed(0)} %,`,
        `${tasks.length} long tasks${tasks.length === 0 ? "" : ` (longest ${Math.max(...tasks).toFixed(0)} ms)`},`,
        `heap ${(reading.heapBytes / 1024 / 1024).toFixed(1)} MiB, ${reading.nodes} nodes`,
      ].join(" "),
    );
  }
}
