import { expect, test } from "bun:test";
import { asked, type Conversation, heard, interrupted, type Run } from "./conversation.ts";
import { readFrame } from "./received-frame.ts";
import { emptyPlayground, reducePlayground } from "./playground-state.ts";

let key = 0;
function after(conversation: Conversation, ...frames: readonly object[]): Conversation {
  return frames
    .map((frame) => readFrame(JSON.stringify(frame), ++key, key))
    .reduce<Conversation>(heard, conversation);
}
const update = (type: string, payload: unknown): object => ({ type, payload });
function onlyRun(conversation: Conversation): Run {
  const [entry] = conversation;
  if (conversation.length !== 1 || entry?.kind !== "run") throw new Error("expected one run");
  return entry;
}

test("a run goes from its question to its answer by updates alone", () => {
  const run = onlyRun(
    after(
      [],
      update("agent_started", { run: "r", question: "Why?" }),
      update("agent_step", { run: "r", n: 1, text: "Searching" }),
      update("agent_update", { run: "r", text: "Searching…" }),
      update("agent_source", { run: "r", file: "a.md", heading: "A", quote: "q" }),
      update("agent_token", { run: "r", text: "Be" }),
      update("agent_token", { run: "r", text: "cause" }),
      update("agent_finished", { run: "r" }),
    ),
  );
  expect(run).toMatchObject({ question: "Why?", status: "finished", answer: "Because", hasGap: false });
  expect(run.steps).toEqual([{ n: 1, text: "Searching" }]);
  expect(run.sources).toHaveLength(1);
});

test("a token of a run that began before the tab is shown as joined in progress", () => {
  const run = onlyRun(after([], update("agent_token", { run: "r", text: "cause" })));
  expect(run).toMatchObject({ question: null, status: "working", hasGap: true, answer: "cause" });
});

test("the tab that asks shows how far its question got, and adopts the worker's run", () => {
  const sent = asked([], "r", "Why?", 1);
  expect(onlyRun(sent).status).toBe("sent");
  const taken = after(sent, { type: "tidings.ack", id: "r" });
  expect(onlyRun(taken).status).toBe("taken");
  expect(onlyRun(after(taken, update("agent_started", { run: "r", question: "Why?" }))).status).toBe(
    "working",
  );
  const refused = after(sent, {
    type: "tidings.error",
    id: "r",
    payload: { code: "inbound_off", message: "Off." },
  });
  expect(onlyRun(refused)).toMatchObject({ status: "failed", failure: "Off." });
});

test("a stop and a failure are told apart, and late tokens do not reopen the run", () => {
  const begun = after([], update("agent_started", { run: "r", question: "Why?" }));
  const stopped = after(begun, update("agent_failed", { run: "r", code: "cancelled", message: "Stopped." }));
  expect(onlyRun(after(stopped, update("agent_token", { run: "r", text: "x" }))).status).toBe("stopped");
  expect(onlyRun(after(begun, update("agent_failed", { run: "r", message: "No." }))).status).toBe("failed");
});

const welcome = (payload: object): object => ({ type: "tidings.welcome", payload });

test("a lost connection is admitted: open runs are interrupted, unconfirmed questions failed", () => {
  const begun = after([], update("agent_started", { run: "r", question: "Why?" }));
  const lost = interrupted(begun);
  expect(onlyRun(lost)).toMatchObject({ status: "interrupted", hasGap: false });
  expect(onlyRun(after(lost, welcome({ recovered: true })))).toMatchObject({
    status: "working",
    hasGap: false,
  });
  for (const answer of [{}, { recovered: false, reason: "trimmed" }]) {
    const back = after(lost, welcome(answer));
    expect(onlyRun(back)).toMatchObject({ status: "interrupted", hasGap: true });
    expect(onlyRun(after(back, update("agent_token", { run: "r", text: "x" })))).toMatchObject({
      status: "working",
      hasGap: true,
    });
  }
  expect(onlyRun(interrupted(asked([], "r", "Why?", 1))).status).toBe("failed");
});

test("a gap in the middle is noted at the runs that it may concern", () => {
  const begun = after([], update("agent_started", { run: "r", question: "Why?" }));
  const gap = { type: "tidings.gap", payload: { reason: "seq", recovered: false } };
  expect(onlyRun(after(begun, gap)).hasGap).toBe(true);
  expect(onlyRun(after(begun, update("agent_finished", { run: "r" }), gap)).hasGap).toBe(false);
});

test("an update that belongs to no run is shown as one's own, whatever it holds", () => {
  for (const payload of [{ text: "Hello" }, "hello", null, 7, [], { run: 7 }]) {
    expect(after([], update("agent_update", payload))[0]?.kind).toBe("update");
  }
  expect(after([], update("order_shipped", { run: "r" }))[0]?.kind).toBe("update");
  expect(after([], {})[0]?.kind).toBe("update");
});

test("system frames are no part of the conversation", () => {
  expect(after([], { type: "tidings.welcome", payload: {} }, { type: "tidings.pong" })).toEqual([]);
});

test("conversation and feed stay bounded however much arrives", () => {
  const frames = Array.from({ length: 1_000 }, (_, index) =>
    readFrame('{"type":"x","payload":1}', index, index),
  );
  const state = reducePlayground(emptyPlayground, { kind: "frames", frames });
  expect(state.feed).toHaveLength(200);
  expect(state.feed[0]?.key).toBe(999);
  expect(state.feedTotal).toBe(1_000);
  expect(state.conversation.length).toBeLessThanOrEqual(40);
  const long = after(
    [],
    ...Array.from({ length: 100 }, () => update("agent_token", { run: "r", text: "x".repeat(1_000) })),
  );
  expect(onlyRun(long).answer.length).toBeLessThanOrEqual(60_000);
});
