/// <reference types="bun" />
import { expect, test } from "bun:test";
import { ConversationStore, type RunEvent } from "./conversation-store.ts";
import { type Conversation, newRun, type Run, type RunUpdate } from "./run.ts";

function token(n: number, run = "r"): RunUpdate {
  return { type: "agent_token", payload: { run, n, text: `${n} ` } };
}

/** A run that the agent has brought this far, each update a number. */
function stored(n: number, state: Run["state"] = "working"): Run {
  const numbers = Array.from({ length: n - 1 }, (_, at) => `${at + 2} `);
  return { ...newRun("r", "t", "Why?", 1), n, state, answer: numbers.join("") };
}

/** A store whose conversation is read anew when the test answers, and what it told. */
function storeOf(runs: readonly Run[]) {
  const readings: ((conversation: Conversation) => void)[] = [];
  const store = new ConversationStore({ runs }, () => {
    const { promise, resolve } = Promise.withResolvers<Conversation>();
    readings.push(resolve);
    return promise;
  });
  const events: RunEvent["kind"][] = [];
  store.watch(({ kind }) => events.push(kind));
  return { store, readings, events };
}

/** Resolves when the store next tells its listeners. */
function changed(store: ConversationStore): Promise<void> {
  return new Promise((resolve) => {
    const stop = store.subscribe(() => {
      stop();
      resolve();
    });
  });
}

test("what the page was rendered with and what its connection replays may overlap", async () => {
  const { store, readings } = storeOf([stored(3)]);
  const change = changed(store);
  for (const n of [2, 3, 4]) store.take(token(n));
  await change;
  expect(store.get()[0]?.answer).toBe("2 3 4 ");
  expect(readings).toHaveLength(0);
});

test("listeners are told once of what came together, and others' runs stay the same objects", async () => {
  const other = { ...stored(2), run: "other", started: 2 };
  const { store } = storeOf([stored(1), other]);
  let told = 0;
  store.subscribe(() => (told += 1));
  const change = changed(store);
  for (const n of [2, 3, 4]) store.take(token(n));
  await change;
  expect(told).toBe(1);
  expect(store.get()[1]).toBe(other);
});

test("after a hole updates wait until the conversation was read anew, and are taken once", async () => {
  const { store, readings } = storeOf([stored(2)]);
  for (const n of [4, 5]) store.take(token(n));
  expect(readings).toHaveLength(1);
  expect(store.get()[0]?.answer).toBe("2 ");
  const change = changed(store);
  readings[0]?.({ runs: [stored(4)] });
  await change;
  await Promise.resolve();
  expect(store.get()[0]?.answer).toBe("2 3 4 5 ");
  expect(readings).toHaveLength(1);
});

test("what is read anew never takes back what the connection told meanwhile", async () => {
  const { store, readings } = storeOf([stored(2)]);
  const reloaded = store.reload();
  for (const n of [3, 4]) store.take(token(n));
  readings[0]?.({ runs: [stored(3)] });
  await reloaded;
  expect(store.get()[0]?.answer).toBe("2 3 4 ");
});

test("a gap that is reported while the conversation is being read has it read once more", async () => {
  const { store, readings } = storeOf([stored(2)]);
  const reloaded = store.reload();
  await store.reload();
  expect(readings).toHaveLength(1);
  readings[0]?.({ runs: [stored(2)] });
  while (readings.length < 2) await Promise.resolve();
  readings[1]?.({ runs: [stored(5, "done")] });
  await reloaded;
  expect(store.get()[0]).toMatchObject({ n: 5, state: "done" });
});

test("the end of a run is told once, whether it was heard or read", async () => {
  const heard = storeOf([stored(2)]);
  const end: RunUpdate = { type: "agent_finished", payload: { run: "r", n: 3 } };
  for (const update of [end, end]) heard.store.take(update);
  expect(heard.events).toEqual(["ended"]);

  const read = storeOf([stored(2)]);
  const reloaded = read.store.reload();
  read.readings[0]?.({ runs: [stored(3, "done")] });
  await reloaded;
  read.store.take(end);
  expect(read.events).toEqual(["ended"]);
});

test("a question that was not sent gives way to what the agent says of it", async () => {
  const { store } = storeOf([]);
  const question = newRun("r", "t", "Why?", 1);
  store.put(question);
  const change = changed(store);
  store.take({
    type: "agent_started",
    payload: { run: "r", n: 1, thread: "t", question: "Why?", started: 1 },
  });
  store.put({ ...question, state: "unsent" });
  await change;
  expect(store.get()).toMatchObject([{ state: "working" }]);
});
