import type { Page } from "playwright-core";

/** Categories of the browser's tracing that tell what a page's main thread did, and the page's own marks. */
const categories = [
  "__metadata",
  "blink.user_timing",
  "devtools.timeline",
  "disabled-by-default-devtools.timeline",
];

/** From how long on a task keeps a page from answering, in milliseconds: https://w3c.github.io/longtasks. */
const LONG_TASK_MS = 50;

/** What a page's main thread did between two of its marks, as the browser traced it. */
export interface Span {
  readonly seconds: number;
  readonly paints: number;
  /** Processor time that it used, in milliseconds: what other programs take from the machine does not count. */
  readonly cpuMs: number;
  /** How long each long task took, in milliseconds. */
  readonly longTasks: readonly number[];
  /** Megabytes of 2^20 bytes that the scripts' heap had at most, garbage included. */
  readonly highestHeap: number;
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts: number;
  readonly dur?: number;
  /** Processor time of the thread, in microseconds. */
  readonly tdur?: number;
  readonly args?: { readonly data?: { readonly jsHeapSizeUsed?: number } };
}

/** Traces a page while `work` runs, and tells what happened between the marks that it set with `mark`. */
export async function traced(
  page: Page,
  work: (mark: () => Promise<void>) => Promise<void>,
): Promise<readonly Span[]> {
  const browser = page.context().browser();
  if (browser === null) throw new Error("this page has no browser of its own");
  await browser.startTracing(page, { categories });
  let marks = 0;
  try {
    await work(async () => {
      await page.evaluate(`performance.mark("span-${marks}")`);
      marks += 1;
    });
  } catch (error) {
    await browser.stopTracing();
    throw error;
  }
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: TraceEvent[];
  };
  return spansOf(traceEvents);
}

function spansOf(events: readonly TraceEvent[]): readonly Span[] {
  const marks = events
    .filter(({ name }) => name.startsWith("span-"))
    .toSorted((one, other) => one.ts - other.ts);
  const [first] = marks;
  if (first === undefined) throw new Error("the trace has no marks");
  const own = events.filter(({ pid, tid }) => pid === first.pid && tid === first.tid);
  return marks.slice(1).map(({ ts: until }, index) => {
    const from = marks[index]?.ts ?? 0;
    const inside = own.filter(({ ts }) => ts >= from && ts < until);
    const tasks = inside.filter(({ name }) => name === "RunTask");
    const heaps = inside.map(({ args }) => args?.data?.jsHeapSizeUsed ?? 0);
    return {
      seconds: (until - from) / 1_000_000,
      paints: inside.filter(({ name }) => name === "Paint").length,
      cpuMs: tasks.reduce((sum, { tdur = 0 }) => sum + tdur / 1_000, 0),
      longTasks: tasks.map(({ dur = 0 }) => dur / 1_000).filter((task) => task >= LONG_TASK_MS),
      highestHeap: Math.max(0, ...heaps) / 1_048_576,
    };
  });
}
