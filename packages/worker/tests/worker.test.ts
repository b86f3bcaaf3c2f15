import { expect, setDefaultTimeout, test } from "bun:test";
import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { z } from "zod";
import { eventually } from "../../../tests/support/eventually.ts";
import { type RedisServer, startRedis } from "../../../tests/support/redis-server.ts";
import { startTestRelay, type TestRelay } from "../../../tests/support/test-relay.ts";
import { type Interruption, TidingsError, TidingsWorker, type WorkerOptions } from "../src/index.ts";

setDefaultTimeout(60_000);

const API_KEY = "an-api-key-of-a-test";
const NOWHERE = "redis://127.0.0.1:1";

interface Update {
  readonly type: string;
  readonly payload: unknown;
  readonly offset?: string;
}

function updates({ texts }: { readonly texts: readonly string[] }): readonly Update[] {
  return texts.map((text) => JSON.parse(text) as Update);
}

function textOf(client: { readonly texts: readonly string[] }): string {
  return updates(client)
    .map(({ payload }) => (payload as { text: string }).text)
    .join("");
}

function reason(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => null,
    (error: unknown) => error,
  );
}

async function failure(attempt: Promise<unknown>): Promise<TidingsError> {
  const error = await reason(attempt);
  if (error instanceof TidingsError) return error;
  throw new Error("it did not fail as it should", { cause: error });
}

/** Every way to hand Redis over. */
const ways: Readonly<
  Record<string, (url: string, stack: AsyncDisposableStack) => Promise<WorkerOptions["redis"]>>
> = {
  "an address": (url) => Promise.resolve(url),
  "a client of @redis/client": async (url, stack) => {
    const client = createClient({ url });
    client.on("error", () => {});
    stack.defer(() => client.destroy());
    return client.connect();
  },
  "a client of ioredis": (url, stack) => {
    const client = new Redis(url);
    client.on("error", () => {});
    stack.defer(() => client.disconnect());
    return Promise.resolve(client);
  },
};

async function startWorker(
  redis: RedisServer,
  way: string,
  stack: AsyncDisposableStack,
): Promise<TidingsWorker> {
  const worker = new TidingsWorker({ redis: (await ways[way]?.(redis.url, stack)) ?? redis.url });
  return stack.use(worker);
}

for (const way of Object.keys(ways)) {
  test(`with ${way}: updates are stored once and delivered in order with their offsets`, async () => {
    await using stack = new AsyncDisposableStack();
    const relay = stack.use(await startTestRelay({ settings: { history: true } }));
    const worker = await startWorker(relay.redis, way, stack);
    const page = await relay.connect("ann");
    const first = await worker.publish("ann", "n", 0, { id: "u0", fields: { run: "r_1" } });
    expect(await worker.publish("ann", "n", 0, { id: "u0" })).toBe(first);
    const rest = await worker.publishMany(
      Array.from({ length: 300 }, (_, n) => ({ user: "ann", type: "n", payload: n + 1 })),
    );
    const notice = await worker.broadcast("notice", null);
    expect(notice).toStartWith("*");
    await page.received(302);
    expect(page.texts[0]).toBe(`{"type":"n","payload":0,"run":"r_1","id":"u0","offset":"${first}"}`);
    expect(updates(page).map(({ offset }) => offset ?? null)).toEqual([first, ...rest, notice]);
  });

  test(`with ${way}: messages are heard, and a lost subscription comes back and is told`, async () => {
    await using stack = new AsyncDisposableStack();
    const relay = stack.use(await startTestRelay());
    const worker = await startWorker(relay.redis, way, stack);
    const interruptions: Interruption[] = [];
    const page = await relay.connect("ann");
    const heard: string[] = [];
    const inbox = worker.listen({ onInterruption: (one) => void interruptions.push(one) });
    await inbox.ready;
    const reading = (async () => {
      for await (const message of inbox) {
        heard.push(`${message.user} ${message.type} ${JSON.stringify(message.payload)}`);
        if (message.type === "stop") break;
      }
    })();
    page.send('{"type":"ask","payload":{"question":"why?"}}');
    await eventually("the first message was heard", () => heard.length === 1);
    await relay.redis.cli("CLIENT", "KILL", "TYPE", "pubsub");
    await eventually("the loss was told", () => interruptions.length === 1);
    await relay.ready();
    page.send('{"type":"stop"}');
    await reading;
    expect(heard).toEqual(['ann ask {"question":"why?"}', "ann stop null"]);
  });

  test(`with ${way}: a publish outlives a restart of Redis and never doubles`, async () => {
    await using stack = new AsyncDisposableStack();
    const relay = stack.use(await startTestRelay({ settings: { history: true } }));
    const worker = await startWorker(relay.redis, way, stack);
    const page = await relay.connect("ann");
    await worker.publish("ann", "n", 0);
    await page.received(1);
    await relay.redis.stop();
    const more = [1, 2, 3].map((n) => ({ user: "ann", type: "n", payload: n }));
    const published = worker.publishMany(more);
    await relay.redis.restart();
    expect(await published).not.toContain(null);
    await page.received(4);
    expect(updates(page).map(({ payload }) => payload)).toEqual([0, 1, 2, 3]);
  });
}

test("without history updates are told by plain PUBLISH, and history that is insisted on is missed", async () => {
  await using relay = await startTestRelay();
  const page = await relay.connect("ann");
  for (const history of ["auto", false] as const) {
    await using worker = new TidingsWorker({ redis: relay.redis.url, history });
    expect(await worker.publish("ann", "t", 1)).toBeNull();
  }
  await page.received(2);
  await using strict = new TidingsWorker({ redis: relay.redis.url, history: true, retryFor: 200 });
  expect((await failure(strict.publish("ann", "t", 1))).code).toBe("history_off");
});

test("the embedded broker serves workers as Redis does", async () => {
  for (const history of [true, false]) {
    await using relay: TestRelay = await startTestRelay({
      broker: "embedded",
      settings: { history },
    } as never);
    const port = relay.relay.embeddedPort;
    await using worker = new TidingsWorker({ redis: `redis://127.0.0.1:${port}` });
    const page = await relay.connect("ann");
    const inbox = worker.listen();
    await inbox.ready;
    expect(typeof (await worker.publish("ann", "t", 1))).toBe(history ? "string" : "object");
    await page.received(1);
    page.send('{"type":"ask"}');
    expect((await inbox.next()).value?.type).toBe("ask");
  }
});

test("a malformed update is refused before anything is sent", async () => {
  await using worker = new TidingsWorker({ redis: NOWHERE });
  const circular: unknown[] = [];
  circular.push(circular);
  for (const [user, type, payload, options, fault] of [
    ["", "t", 1, {}, "target_invalid"],
    ["*", "t", 1, {}, "target_invalid"],
    ["a\n", "t", 1, {}, "target_invalid"],
    [null as never, "t", 1, {}, "target_invalid"],
    ["a", "", 1, {}, "type_invalid"],
    ["a", "tidings.closing", 1, {}, "type_reserved"],
    ["a", "t", undefined, {}, "payload_missing"],
    ["a", "t", circular, {}, "not_json"],
    ["a", "t", "x".repeat(1_048_576), {}, "too_large"],
    ["a", "t", 1, { id: "x".repeat(255) }, "id_invalid"],
    ["a", "t", 1, { seq: -1 }, "seq_invalid"],
    ["a", "t", 1, { producer: 7 as never }, "producer_invalid"],
    ["a", "t", 1, { fields: { target_user_id: "b" } }, "field_taken"],
  ] as const) {
    const error = await failure(worker.publish(user, type, payload, options));
    expect([error.code, error.fault]).toEqual(["malformed", fault]);
  }
  const good = { user: "a", type: "t", payload: 1 };
  const many = await failure(worker.publishMany([good, { ...good, type: "tidings.x" }]));
  expect([many.fault, many.index]).toEqual(["type_reserved", 1]);
});

test("schemas check what is published and what is heard", async () => {
  await using relay = await startTestRelay();
  const events = { agent_update: z.object({ text: z.string() }), done: z.null() };
  const messages = { stop: z.object({ run: z.string() }), ask: z.string().transform((text) => text.length) };
  await using worker = new TidingsWorker({ redis: relay.redis.url, events, messages });
  const page = await relay.connect("ann");
  await worker.publish("ann", "agent_update", { text: "Searching…" });
  // @ts-expect-error: the payload is another type's
  expect((await failure(worker.publish("ann", "agent_update", null))).code).toBe("invalid");
  // @ts-expect-error: there is no such type
  expect((await failure(worker.publish("ann", "other", null))).code).toBe("invalid");
  await page.received(1);

  const invalid: string[] = [];
  const inbox = worker.listen({
    onInvalid: ({ type }, [issue]) => void invalid.push(`${type} ${JSON.stringify(issue?.path)}`),
  });
  await inbox.ready;
  for (const text of [
    '{"type":"other"}',
    '{"type":"stop","payload":{"run":7}}',
    '{"type":"ask","payload":"why?"}',
  ]) {
    page.send(text);
  }
  const { value } = await inbox.next();
  if (value?.type !== "ask") throw new Error("another type came first");
  const length: number = value.payload;
  expect([length, invalid]).toEqual([4, ['stop ["run"]']]);
});

test("tokens are joined, in order, and none is lost", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  await using worker = new TidingsWorker({ redis: relay.redis.url });
  const page = await relay.connect("ann");
  const tokens = Array.from({ length: 500 }, (_, n) => `token ${n} `);
  {
    await using answer = worker.stream("ann", "answer", { fields: { run: "r_1" } });
    for (const token of tokens) await answer.write(token);
  }
  await eventually("all arrived", () => textOf(page) === tokens.join(""));
  expect(page.texts.length).toBeLessThan(100);
  expect(page.texts.every((text) => text.includes('"run":"r_1"'))).toBe(true);
});

test("tokens leave while the stream stands, and long ones in parts", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  await using worker = new TidingsWorker({ redis: relay.redis.url });
  const page = await relay.connect("ann");
  const answer = worker.stream("ann", "answer", { payload: (text) => ({ text, done: false }) });
  await answer.write("one ");
  await eventually("the first arrived", () => textOf(page) === "one ");
  const long = "é😀".repeat(100_001);
  for (const part of [long.slice(0, 9_000), long.slice(9_000)]) await answer.write(part);
  await answer.flush();
  await eventually("all arrived", () => textOf(page) === answer.text);
  expect(updates(page).length).toBeGreaterThan(10);
  expect(updates(page).every(({ payload }) => (payload as { text: string }).text.isWellFormed())).toBe(true);
  await answer.close();
  expect((await failure(answer.write("late"))).code).toBe("closed");
});

test("a stream is flushed when its block fails, and says where it cannot be", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  await using worker = new TidingsWorker({ redis: relay.redis.url });
  const page = await relay.connect("ann");
  const work = async (): Promise<void> => {
    await using answer = worker.stream("ann", "answer", { interval: 3_600_000 });
    await answer.write("half a sen");
    throw new Error("out of ideas");
  };
  expect(await reason(work())).toEqual(new Error("out of ideas"));
  await page.received(1);
  expect(textOf(page)).toBe("half a sen");

  await using lost = new TidingsWorker({ redis: NOWHERE, retryFor: 0 });
  const answer = lost.stream("ann", "answer");
  await answer.write("lost");
  expect((await failure(answer.close())).code).toBe("unavailable");
  expect(() => lost.stream("", "answer")).toThrow(TidingsError);
});

test("the connections of a user are counted, and why they cannot be is said", async () => {
  await using relay = await startTestRelay({ settings: { api_key: API_KEY } });
  const redis = relay.redis.url;
  await using worker = new TidingsWorker({ redis, relayUrl: relay.url, apiKey: API_KEY });
  await relay.connect("fay/ü");
  expect(await worker.connections("fay/ü")).toEqual({ connections: 1, relays: 1 });
  expect(await worker.connections("nobody")).toEqual({ connections: 0, relays: 1 });
  await using stranger = new TidingsWorker({ redis, relayUrl: relay.url, apiKey: "wrong" });
  const refused = await failure(stranger.connections("fay"));
  expect([refused.code, refused.status, refused.fault]).toEqual(["relay", 401, "api_key_refused"]);
  await using bare = new TidingsWorker({ redis });
  expect(await reason(bare.connections("fay"))).toBeInstanceOf(TypeError);
});

test("closing and aborting end what waits for Redis", async () => {
  const worker = new TidingsWorker({ redis: NOWHERE, retryFor: 3_600_000 });
  const waiting = failure(worker.publish("ann", "t", 1));
  const listening = worker.listen();
  worker.close();
  expect((await waiting).code).toBe("closed");
  expect(await listening.next()).toEqual({ done: true, value: undefined });

  await using other = new TidingsWorker({ redis: NOWHERE, retryFor: 3_600_000 });
  const stop = new AbortController();
  const aborted = other.publish("ann", "t", 1, { signal: stop.signal });
  stop.abort();
  expect(await reason(aborted)).toBe(stop.signal.reason);
});

test("a wrong password is said at once", async () => {
  await using redis = await startRedis({ args: ["--requirepass", "secret"] });
  for (const password of ["wrong", ""]) {
    const url = redis.url.replace("redis://", password === "" ? "redis://" : `redis://:${password}@`);
    await using worker = new TidingsWorker({ redis: url });
    expect((await failure(worker.publish("ann", "t", 1))).code).toBe("refused");
    expect((await failure(worker.listen().ready)).code).toBe("refused");
  }
});

test("options that mean nothing are refused at construction", () => {
  expect(() => new TidingsWorker({ history: "yes" as never })).toThrow(TypeError);
  expect(() => new TidingsWorker({ retryFor: -1 })).toThrow(TypeError);
  expect(() => new TidingsWorker({ redis: {} as never })).toThrow(TypeError);
});
