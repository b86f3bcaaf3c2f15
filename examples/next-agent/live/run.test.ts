/// <reference types="bun" />
import { expect, test } from "bun:test";
import { advance, isOpen, newRun, type Run, type RunUpdate } from "./run.ts";

const started: RunUpdate = {
  type: "agent_started",
  payload: { run: "r", n: 1, thread: "t", question: "Why?", started: 7 },
};
const step: RunUpdate = { type: "agent_step", payload: { run: "r", n: 2, text: "Searching" } };
const source: RunUpdate = {
  type: "agent_source",
  payload: { run: "r", n: 3, file: "a.md", heading: "A", quote: "Because." },
};
const token: RunUpdate = { type: "agent_token", payload: { run: "r", n: 4, text: "Because " } };
const more: RunUpdate = { type: "agent_token", payload: { run: "r", n: 5, text: "so." } };
const finished: RunUpdate = { type: "agent_finished", payload: { run: "r", n: 6 } };
const all = [started, step, source, token, more, finished];

function after(updates: readonly RunUpdate[], from?: Run): Run | undefined {
  let run = from;
  for (const update of updates) run = advance(run, update) ?? undefined;
  return run;
}

test("the updates of a run in their order make the whole of it", () => {
  expect(after(all)).toEqual({
    run: "r",
    thread: "t",
    question: "Why?",
    started: 7,
    n: 6,
    state: "done",
    steps: ["Searching"],
    sources: [{ file: "a.md", heading: "A", quote: "Because." }],
    answer: "Because so.",
    code: null,
    message: null,
  });
});

test("an update that is in the run already leaves it the same object", () => {
  const whole = after(all);
  for (const update of all) expect(advance(whole, update)).toBe(whole ?? null);
});

test("an update with one missing before it is not taken", () => {
  expect(advance(undefined, token)).toBeNull();
  expect(advance(after([started, step]), token)).toBeNull();
});

test("the agent's first word takes the place of a question that was only sent", () => {
  const sent = newRun("r", "t", "Why?", 1);
  expect(isOpen(sent)).toBe(true);
  expect(advance(sent, started)).toMatchObject({ state: "working", n: 1, started: 7 });
  expect(advance(sent, step)).toBeNull();
});

test("a run that failed keeps what was answered, and says why it ended", () => {
  const failed: RunUpdate = {
    type: "agent_failed",
    payload: { run: "r", n: 5, code: "cancelled", message: "Stopped." },
  };
  const run = after([started, step, source, token, failed]);
  expect(run).toMatchObject({ state: "failed", answer: "Because ", code: "cancelled", message: "Stopped." });
  expect(run !== undefined && isOpen(run)).toBe(false);
});
