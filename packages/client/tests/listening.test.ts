import assert from "node:assert/strict";
import { test } from "./support/suite.ts";
import { connectOn } from "../src/connect.ts";
import type { StandardSchema } from "@tidings/protocol/standard-schema";
import type { InvalidUpdate, Update } from "../src/update.ts";
import { settle, TestPlatform } from "./support/test-platform.ts";

const url = "https://relay.example.com";

/** A schema of objects with a text, which it trims. */
const textSchema: StandardSchema<{ text: string }> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate(value) {
      const text = (value as { text?: unknown } | null)?.text;
      return typeof text === "string"
        ? { value: { text: text.trim() } }
        : { issues: [{ message: "text is missing", path: ["text"] }] };
    },
  },
};

test("a handler gets the payload and the update of its type, until it is stopped", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn<{ step: number; note: string }>(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.welcome({ offset: "e.0,*b.0" });
  const seen: [number, Update<"step", number>][] = [];
  const stop = tidings.on("step", (payload, update) => seen.push([payload, update]));
  socket.sayRaw('{"type":"step","payload":1,"run":"r1","offset":"e.1"}');
  socket.say({ type: "note", payload: "other" });
  assert.deepEqual(seen, [[1, { type: "step", payload: 1, run: "r1", offset: "e.1" }]]);
  stop();
  stop();
  socket.say({ type: "step", payload: 2 });
  assert.equal(seen.length, 1);
  tidings.close();
});

test("a handler ends with its signal, and one whose signal ended before never begins", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.welcome();
  const seen: unknown[] = [];
  const stop = new AbortController();
  tidings.on("step", (payload) => seen.push(payload), { signal: stop.signal });
  tidings.on("step", () => seen.push("never"), { signal: AbortSignal.abort() });
  socket.say({ type: "step", payload: 1 });
  stop.abort();
  socket.say({ type: "step", payload: 2 });
  assert.deepEqual(seen, [1]);
  tidings.close();
});

test("a handler that throws is reported, and disturbs neither the others nor the connection", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.welcome();
  const seen: unknown[] = [];
  const fault = new Error("the application's own");
  tidings.on("step", () => {
    throw fault;
  });
  tidings.on("step", (payload) => seen.push(payload));
  socket.say({ type: "step", payload: 1 });
  assert.deepEqual(seen, [1]);
  assert.deepEqual(platform.reported, [fault]);
  assert.equal(tidings.status.kind, "live");
  tidings.close();
});

test("a loop gets the updates since it was asked for, and ends when the connection is closed", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.welcome();
  const updates = tidings.updates("step");
  socket.say({ type: "step", payload: 1 });
  socket.say({ type: "other", payload: 0 });
  const seen: unknown[] = [];
  const loop = (async () => {
    for await (const { payload } of updates) seen.push(payload);
  })();
  await settle();
  socket.say({ type: "step", payload: 2 });
  await settle();
  tidings.close();
  await loop;
  assert.deepEqual(seen, [1, 2]);
  assert.deepEqual(await tidings.updates().next(), { done: true, value: undefined });
});

test("leaving a loop ends it", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.welcome();
  const loop = (async () => {
    for await (const update of tidings) return update;
    return null;
  })();
  await settle();
  socket.say({ type: "step", payload: 1 });
  assert.deepEqual(await loop, { type: "step", payload: 1 });
  tidings.close();
});

test("a loop that falls ten thousand updates behind throws in place of a hole", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url });
  const socket = await platform.socketNumber(1);
  socket.welcome();
  const updates = tidings.updates();
  for (let at = 0; at <= 10_000; at += 1) socket.say({ type: "step", payload: at });
  await assert.rejects(updates.next(), { code: "too_many" });
  assert.deepEqual(await updates.next(), { done: true, value: undefined });
  tidings.close();
});

test("with schemas, updates are checked and typed, and what does not fit is told apart", async () => {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url, events: { note: textSchema }, messages: { ask: textSchema } });
  const socket = await platform.socketNumber(1);
  socket.welcome();
  const seen: string[] = [];
  const all: Update[] = [];
  const invalid: InvalidUpdate[] = [];
  tidings.on("note", ({ text }) => seen.push(text));
  tidings.on("*", (_payload, update) => all.push(update));
  tidings.on("tidings.invalid", (told) => invalid.push(told));
  socket.say({ type: "note", payload: { text: " hello " } });
  socket.say({ type: "note", payload: {} });
  socket.say({ type: "constructor", payload: {} });
  assert.deepEqual(seen, ["hello"]);
  assert.deepEqual(all, [{ type: "note", payload: { text: "hello" } }]);
  assert.deepEqual(invalid, [
    { update: { type: "note", payload: {} }, issues: [{ message: "text is missing", path: ["text"] }] },
  ]);
  await assert.rejects(tidings.send("ask", {} as { text: string }), { code: "invalid" });
  assert.equal(socket.sent.length, 0);
  tidings.close();
});

test("a schema that answers later is refused, since it would change the order", async () => {
  const platform = new TestPlatform();
  const slow: StandardSchema = {
    "~standard": { version: 1, vendor: "test", validate: async (value) => ({ value }) },
  };
  const tidings = connectOn(platform, { url, events: { note: slow } });
  const socket = await platform.socketNumber(1);
  socket.welcome();
  const invalid: InvalidUpdate[] = [];
  tidings.on("tidings.invalid", (told) => invalid.push(told));
  socket.say({ type: "note", payload: 1 });
  assert.equal(invalid[0]?.issues[0]?.message, "the schema is asynchronous");
  tidings.close();
});
