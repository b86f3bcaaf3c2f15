import { expect, test } from "bun:test";
import fc from "fast-check";
import type { LogDraft, LogPosition, MissedUpdates, PageLimit, UpdateLog } from "../update-log.ts";
import { draft, type MakeLog, text, WIDE } from "./under-test.ts";

const UPDATES = 5;
const TARGETS = ["ann", "bob", "*"] as const;

interface ModelEntry {
  readonly frame: string;
  readonly missed: MissedUpdates | null;
}

/** What a log is: a list. Only the newest few can be read. */
interface ModelLog {
  epoch: string | null;
  readonly list: ModelEntry[];
  readonly ids: Map<string, number>;
  readonly counters: Map<string | null, number>;
}

type Model = Map<string, ModelLog>;

interface Real {
  readonly log: UpdateLog;
  /** Goes before every target, so that each run has logs of its own. */
  readonly prefix: string;
}

type Step = fc.AsyncCommand<Model, Real>;

/** The log against a list. */
export function describeModel(make: MakeLog): void {
  test("whatever is appended and read in whatever order, a log says what a list would", async () => {
    await using it = await make({ ...WIDE, updates: UPDATES });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.commands(STEPS, { maxCommands: 25 }), async (steps) => {
        run += 1;
        const real: Real = { log: it.log, prefix: `${run}/` };
        await fc.asyncModelRun(() => ({ model: new Map(), real }), steps);
      }),
      { numRuns: 60 },
    );
  });
}

const targets = fc.constantFrom(...TARGETS);

const drafts: fc.Arbitrary<LogDraft> = fc
  .record({
    target: targets,
    id: fc.option(fc.constantFrom('"a"', '"b"', "1"), { freq: 2 }),
    seq: fc.option(fc.integer({ min: 0, max: 12 }), { freq: 2 }),
    producer: fc.option(fc.constantFrom('"p"', '"q"'), { freq: 3 }),
    frame: fc.string({ unit: "binary", maxLength: 12 }),
  })
  .map(({ target, frame, ...more }) => draft(target, frame, more));

const limits: fc.Arbitrary<PageLimit> = fc.record({
  updates: fc.integer({ min: 1, max: 8 }),
  bytes: fc.integer({ min: 1, max: 100 }),
});

const STEPS: fc.Arbitrary<Step>[] = [
  fc.array(drafts, { minLength: 1, maxLength: 6 }).map(appendStep),
  fc.tuple(targets, fc.integer({ min: -2, max: 30 }), limits).map((args) => readStep(...args)),
  fc.tuple(targets, limits).map(([target, limit]) => readStep(target, "earliest", limit)),
  fc.array(targets, { minLength: 1, maxLength: 4 }).map(positionsStep),
];

function appendStep(list: readonly LogDraft[]): Step {
  return {
    check: () => true,
    toString: () => `append(${JSON.stringify(list)})`,
    async run(model, { log, prefix }) {
      const positions = await log.append(list.map((one) => ({ ...one, target: prefix + one.target })));
      const expected = list.map((one) => {
        const it = logOf(model, one.target);
        return { it, n: remember(it, one) };
      });
      for (const [index, { it, n }] of expected.entries()) expectPosition(it, positions[index], n);
    },
  };
}

/** Reads from so many before the newest update; from beyond it where that is negative. */
function readStep(target: string, back: number | "earliest", limit: PageLimit): Step {
  return {
    check: () => true,
    toString: () => `read(${target}, ${back}, ${JSON.stringify(limit)})`,
    async run(model, { log, prefix }) {
      const it = logOf(model, target);
      const top = it.list.length;
      const first = Math.max(1, top - UPDATES + 1);
      const n = back === "earliest" ? first - 1 : Math.max(0, top - back);
      const epoch = it.epoch ?? "unknown";
      const unknown = it.epoch === null && back !== "earliest";
      const page = await log.read(prefix + target, back === "earliest" ? back : { epoch, n }, limit);
      expectPosition(it, page.top, top);
      expect(page.first).toBe(first);
      const outcome = unknown ? "epoch_changed" : n > top ? "ahead" : n + 1 < first ? "trimmed" : "ok";
      expect(page.outcome).toBe(outcome);
      const got = page.entries.map((entry) => ({
        n: entry.n,
        frame: text(entry.frame),
        missed: entry.missed,
      }));
      expect(got).toEqual(outcome === "ok" ? paged(it.list, n, limit) : []);
    },
  };
}

function positionsStep(list: readonly string[]): Step {
  return {
    check: () => true,
    toString: () => `positions(${list.join()})`,
    async run(model, { log, prefix }) {
      const positions = await log.positions(list.map((target) => prefix + target));
      for (const [index, target] of list.entries()) {
        const it = logOf(model, target);
        expectPosition(it, positions[index], it.list.length);
      }
    },
  };
}

/** The epoch is the log's own choice: the model takes the first one it is told, and holds the log to it. */
function expectPosition(it: ModelLog, position: LogPosition | undefined, n: number): void {
  it.epoch ??= position?.epoch ?? null;
  expect(position).toEqual({ epoch: it.epoch ?? "", n });
}

function paged(
  list: readonly ModelEntry[],
  after: number,
  limit: PageLimit,
): (ModelEntry & { readonly n: number })[] {
  const page = [];
  let bytes = 0;
  for (const [index, entry] of list.slice(after).entries()) {
    bytes += Buffer.byteLength(entry.frame);
    if (page.length > 0 && (page.length >= limit.updates || bytes > limit.bytes)) break;
    page.push({ n: after + index + 1, ...entry });
  }
  return page;
}

function logOf(model: Model, target: string): ModelLog {
  const known = model.get(target);
  if (known !== undefined) return known;
  const fresh: ModelLog = { epoch: null, list: [], ids: new Map(), counters: new Map() };
  model.set(target, fresh);
  return fresh;
}

/** Adds a draft to the list, unless its id is known, and gives its number. */
function remember(it: ModelLog, { frame, id, seq, producer }: LogDraft): number {
  const known = id === null ? undefined : it.ids.get(id);
  if (known !== undefined) return known;
  const last = it.counters.get(producer);
  const isHole = seq !== null && last !== undefined && seq > last + 1;
  const name = producer === null ? null : (JSON.parse(producer) as string);
  const missed = isHole ? { producer: name, from: last + 1, to: seq - 1 } : null;
  if (seq !== null) it.counters.set(producer, seq);
  it.list.push({ frame: String(frame), missed });
  if (id !== null) it.ids.set(id, it.list.length);
  return it.list.length;
}
