import { expect } from "bun:test";
import { createClient } from "@redis/client";
import type { CDPSession, Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { figure, fullBrowserTest } from "./support/form.ts";
import { startStage } from "./support/stage.ts";
import { type Span, traced } from "./support/trace.ts";
import { lettersOf, visit } from "./support/visitor.ts";

const perSecond = 200;
const seconds = 60;
const parts = 4;
/** Of a usual screen, and some more, since a span does not end with a frame. */
const framesPerSecond = 66;
/** What a heap that stands still may wander, in bytes; the answer itself grows by less than 1 MB. */
const heapGrowthLimit = 5 * 1024 * 1024;

/** Counts what React commits to the answer. */
const watch = `
  globalThis.commits = 0;
  new MutationObserver(() => { commits += 1; })
    .observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true });
`;

/** What a page is at one time, once its garbage is gone. */
interface Reading {
  readonly commits: number;
  readonly heapBytes: number;
  readonly nodes: number;
}

fullBrowserTest(
  `${perSecond} tokens a second for a minute render once a frame at most, and leave nothing in memory but the answer`,
  async () => {
    await using stage = await startStage();
    await using browser = await startBrowser();
    const ada = await visit(browser, stage, "Ada");
    const devTools = await ada.page.context().newCDPSession(ada.page);
    await devTools.send("Performance.enable");
    await devTools.send("HeapProfiler.enable");
    using disposables = new DisposableStack();
    const redis = disposables.adopt(createClient({ url: stage.redis.url }), (client) => client.destroy());
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
    const readings: Reading[] = [];
    let told = 0;
    const spans = await traced(ada.page, async (mark) => {
      readings.push(await read(ada.page, devTools));
      await mark();
      for (let part = 1; part <= parts; part += 1) {
        const begun = performance.now();
        for (let count = 1; count <= (seconds / parts) * perSecond; count += 1) {
          told += 1;
          void tell("agent_token", { run: "r", n: told + 1, text: token(told) });
          await Bun.sleep(begun + (count * 1_000) / perSecond - performance.now());
        }
        readings.push(await read(ada.page, devTools));
        await mark();
      }
    });
    await ada.page.getByText(`word${told}.`).waitFor();
    report(readings, spans);

    expect(spans).toHaveLength(parts);
    const [second, last] = [readings[1], readings.at(-1)];
    if (second === undefined || last === undefined) throw new Error("no readings");
    expect(last.commits).toBeGreaterThan(0);
    const took = spans.reduce((sum, span) => sum + span.seconds, 0);
    expect(last.commits).toBeLessThan(took * framesPerSecond);
    expect(last.heapBytes - second.heapBytes).toBeLessThan(heapGrowthLimit);
    const text = Array.from({ length: told }, (_, at) => token(at + 1)).join("");
    expect(await ada.answerLetters()).toBe(lettersOf(text));
    expect(ada.rereads).toBe(0);
    expect(ada.errors).toEqual([]);
  },
);

/** Paragraphs of sixty words, the last of them with a full stop to be found by. */
function token(n: number): string {
  return n % 60 === 0 ? ` word${n}.\n\n` : ` word${n}.`;
}

async function read(page: Page, devTools: CDPSession): Promise<Reading> {
  await devTools.send("HeapProfiler.collectGarbage");
  const { metrics } = await devTools.send("Performance.getMetrics");
  const metric = (name: string): number => metrics.find((candidate) => candidate.name === name)?.value ?? 0;
  const commits = (await page.evaluate("commits")) as number;
  return { commits, heapBytes: metric("JSHeapUsedSize"), nodes: metric("Nodes") };
}

function report(readings: readonly Reading[], spans: readonly Span[]): void {
  let at = 0;
  for (const [index, span] of spans.entries()) {
    const [before, after] = [readings[index], readings[index + 1]];
    if (before === undefined || after === undefined) continue;
    const { longTasks } = span;
    figure(
      `seconds ${at.toFixed(0)} to ${(at += span.seconds).toFixed(0)}`,
      [
        `${((after.commits - before.commits) / span.seconds).toFixed(1)} renders/s`,
        `${(span.paints / span.seconds).toFixed(1)} paints/s`,
        `main thread ${(span.cpuMs / span.seconds / 10).toFixed(0)} % of a core, ${(span.cpuMs / (after.commits - before.commits)).toFixed(1)} ms a render`,
        `${longTasks.length} long tasks (longest ${Math.max(0, ...longTasks).toFixed(0)} ms)`,
        `heap ${(after.heapBytes / 1_048_576).toFixed(1)} MiB without and at most ${span.highestHeap.toFixed(1)} MiB with garbage`,
        `${after.nodes} nodes`,
      ].join(", "),
    );
  }
}
