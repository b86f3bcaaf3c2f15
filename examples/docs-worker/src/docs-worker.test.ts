import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { type RedisServer, startRedis } from "../../../tests/support/redis-server.ts";
import type { AnswerWriter, Pause } from "./answer-writer.ts";
import { chatWriter } from "./chat-writer.ts";
import { startWorker } from "./docs-worker.ts";
import { quotingWriter } from "./quoting-writer.ts";

interface Seen {
  readonly target_user_id: string;
  readonly type: string;
  readonly payload: {
    readonly run?: string;
    readonly text?: string;
    readonly code?: string;
    readonly message?: string;
  };
}

const atOnce: Pause = async (_ms, signal) => signal.throwIfAborted();

let redis: RedisServer;
let documentation: string;

beforeAll(async () => {
  redis = await startRedis();
  documentation = await mkdtemp(join(tmpdir(), "tidings-docs-"));
  await writeFile(
    join(documentation, "README.md"),
    "# Readme\n\nHello.\n\n## Heartbeat\n\nA ping goes out every 25 s.\n",
  );
});

afterAll(async () => {
  await redis[Symbol.asyncDispose]();
  await rm(documentation, { recursive: true, force: true });
});

/** A worker, and the relay's place: sends what users would send, and sees all updates. */
async function setUp(write: AnswerWriter = quotingWriter(atOnce)): Promise<{
  send(userId: string, type: string, payload: unknown): Promise<void>;
  sendRaw(text: string): Promise<void>;
  until(wanted: (update: Seen) => boolean): Promise<Seen>;
  readonly seen: readonly Seen[];
  /** Has the worker leave. */
  leave(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const seen: Seen[] = [];
  const waiting = new Set<() => void>();
  const publisher = createClient({ url: redis.url });
  const subscriber = createClient({ url: redis.url });
  for (const client of [publisher, subscriber]) {
    client.on("error", () => {});
    await client.connect();
  }
  await subscriber.subscribe("updates", (text) => {
    seen.push(JSON.parse(text));
    for (const check of waiting) check();
  });
  const limits = { perUser: 2, inAll: 3 };
  const worker = await startWorker({
    redisUrl: redis.url,
    documentation,
    write,
    limits,
    pause: atOnce,
    log: () => {},
  });
  const sendRaw = async (text: string): Promise<void> => void (await publisher.publish("inbound", text));
  return {
    seen,
    sendRaw,
    send: (user_id, type, payload) =>
      sendRaw(JSON.stringify({ user_id, connection_id: "c", type, payload, received_at: 0 })),
    until: (wanted) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = seen.find(wanted);
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
    leave: () => worker[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]();
      publisher.destroy();
      subscriber.destroy();
    },
  };
}

/** One event of a completions stream. */
function event(content: string): string {
  return `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\r\n\r\n`;
}

/** Writes one word and then waits to be stopped. */
const endless: AnswerWriter = async function* write(_question, _findings, signal) {
  yield "Once";
  // Whoever saw that word may have stopped the run before this goes on.
  signal.throwIfAborted();
  await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
};

test("a question is answered step by step with what the documentation says, to its user alone", async () => {
  await using relay = await setUp();
  await relay.send("alice", "ask", { question: "How often is a ping sent?", run: "r1" });
  await relay.until(({ type }) => type === "agent_finished");
  const types = relay.seen.map(({ type }) => type);
  expect(types.slice(0, 3)).toEqual(["agent_started", "agent_update", "agent_step"]);
  expect(types).toContain("agent_source");
  expect(types.at(-1)).toBe("agent_finished");
  const answer = relay.seen.filter(({ type }) => type === "agent_token").map(({ payload }) => payload.text);
  expect(answer.length).toBeGreaterThan(2);
  expect(answer.join("")).toContain("A ping goes out every 25 s.");
  expect(
    relay.seen.every(({ target_user_id, payload }) => target_user_id === "alice" && payload.run === "r1"),
  ).toBe(true);
});

test("a question about something else is answered honestly and without sources", async () => {
  await using relay = await setUp();
  await relay.send("alice", "ask", { question: "zebra?", run: "r1" });
  await relay.until(({ type }) => type === "agent_finished");
  expect(relay.seen.some(({ type }) => type === "agent_source")).toBe(false);
});

test("a run is stopped by its own user, and by nobody else", async () => {
  await using relay = await setUp(endless);
  await relay.send("alice", "ask", { question: "ping", run: "r1" });
  await relay.until(({ type }) => type === "agent_token");
  await relay.send("mallory", "cancel", { run: "r1" });
  await relay.send("mallory", "ask", { question: "ping", run: "r2" });
  await relay.until(({ type, payload }) => type === "agent_token" && payload.run === "r2");
  expect(relay.seen.some(({ type }) => type === "agent_failed")).toBe(false);
  await relay.send("alice", "cancel", { run: "r1" });
  const failed = await relay.until(({ type }) => type === "agent_failed");
  expect(failed).toEqual({
    target_user_id: "alice",
    type: "agent_failed",
    payload: { run: "r1", code: "cancelled", message: "Stopped." },
  });
});

test("one question too many is refused in words, for one user as for all", async () => {
  await using relay = await setUp(endless);
  for (const run of ["a1", "a2", "a3"]) await relay.send("alice", "ask", { question: "ping", run });
  const first = await relay.until(({ type }) => type === "agent_failed");
  expect(first).toMatchObject({ target_user_id: "alice", payload: { run: "a3", code: "busy" } });
  for (const user of ["bob", "carol"]) await relay.send(user, "ask", { question: "ping", run: "b" });
  const second = await relay.until(
    ({ type, target_user_id }) => type === "agent_failed" && target_user_id === "carol",
  );
  expect(second.payload.code).toBe("busy");
});

test("the place of a finished run is free again", async () => {
  await using relay = await setUp();
  for (const run of ["a1", "a2", "a3", "a4"]) {
    await relay.send("alice", "ask", { question: "ping", run });
    await relay.until(({ type, payload }) => type === "agent_finished" && payload.run === run);
  }
  expect(relay.seen.some(({ type }) => type === "agent_failed")).toBe(false);
});

test("broken messages disturb nothing, and a bad question is answered", async () => {
  await using relay = await setUp();
  for (const text of ["", "{", "[]", "null", '{"type":"ask"}', '{"user_id":"*","type":"ask","payload":{}}']) {
    await relay.sendRaw(text);
  }
  await relay.send("alice", "ask", { run: "bad", question: "" });
  await relay.send("alice", "ask", { run: "good", question: "ping" });
  await relay.until(({ type }) => type === "agent_finished");
  expect(relay.seen.find(({ payload }) => payload.run === "bad")?.payload.code).toBe("bad_question");
  expect(relay.seen.every(({ target_user_id }) => target_user_id === "alice")).toBe(true);
});

test("after Redis was away the worker answers again", async () => {
  await using relay = await setUp();
  await redis.restart();
  const finished = relay.until(({ type }) => type === "agent_finished");
  for (let attempt = 0; ; attempt += 1) {
    // Nobody hears a question while Redis is away: it is asked until somebody answers.
    await relay.send("alice", "ask", { question: "ping", run: `r${attempt}` }).catch(() => {});
    if (await Promise.race([finished.then(() => true), Bun.sleep(100).then(() => false)])) break;
  }
  expect((await finished).target_user_id).toBe("alice");
}, 20_000);

test("a language model's answer is streamed, from the sections that were found", async () => {
  let asked: { model?: string; stream?: boolean; messages?: { content: string }[] } = {};
  let authorization: string | null = null;
  using model = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      asked = JSON.parse(await request.text());
      authorization = request.headers.get("authorization");
      const bytes = new TextEncoder().encode(
        `: hello\n\n${event("Every ")}${event("25 s – ✓")}data: [DONE]\n\n`,
      );
      return new Response(
        new ReadableStream({
          start(controller) {
            // Cut everywhere, also inside of characters and of lines.
            for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
            controller.close();
          },
        }),
        { headers: { "content-type": "text/event-stream" } },
      );
    },
  });
  const baseUrl = `http://127.0.0.1:${model.port}/v1/`;
  await using relay = await setUp(chatWriter({ baseUrl, model: "small", apiKey: "key" }));
  await relay.send("alice", "ask", { question: "How often is a ping sent?", run: "r1" });
  await relay.until(({ type }) => type === "agent_finished");
  const answer = relay.seen.filter(({ type }) => type === "agent_token").map(({ payload }) => payload.text);
  expect(answer.join("")).toBe("Every 25 s – ✓");
  expect(asked).toMatchObject({ model: "small", stream: true });
  expect(asked.messages?.at(-1)?.content).toContain("A ping goes out every 25 s.");
  expect(String(authorization)).toBe("Bearer key");
});

test("a language model that refuses, or breaks off, is a failed run in plain words", async () => {
  for (const [answer, message] of [
    [() => new Response("no", { status: 401 }), "The language model refused with status 401."],
    [() => new Response("data: {}\n\n"), "The language model broke off in the middle of its answer."],
  ] as const) {
    using model = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
    await using relay = await setUp(
      chatWriter({ baseUrl: `http://127.0.0.1:${model.port}`, model: "small" }),
    );
    await relay.send("alice", "ask", { question: "ping", run: "r1" });
    const failed = await relay.until(({ type }) => type === "agent_failed");
    expect(failed.payload).toEqual({ run: "r1", code: "failed", message });
  }
});

test("a worker that leaves tells its users", async () => {
  await using relay = await setUp(endless);
  await relay.send("alice", "ask", { question: "ping", run: "r1" });
  await relay.until(({ type }) => type === "agent_token");
  await relay.leave();
  const failed = await relay.until(({ type }) => type === "agent_failed");
  expect(failed.payload.code).toBe("shutting_down");
});
