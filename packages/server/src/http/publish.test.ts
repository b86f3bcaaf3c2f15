import { describe, expect, test } from "bun:test";
import type { Broker } from "../broker/broker.ts";
import { openBroker, type OpenedBroker } from "../broker/open-broker.ts";
import { unpaced } from "../broker/read-pacer.ts";
import { systemClock } from "../clock.ts";
import { PublishEndpoint } from "./publish.ts";
import { eventually } from "../../../../tests/support/eventually.ts";
import { startRedis } from "../../../../tests/support/redis-server.ts";

const history = { updates: 10_000, bytes: 1e9, ttlMs: 3_600_000, maxUpdateBytes: 1_048_576 };

interface Answer {
  readonly accepted: number;
  readonly updates: readonly { readonly target_user_id: string; readonly offset?: string }[];
  readonly detail: string;
}

function open(redisUrl?: string): OpenedBroker & AsyncDisposable {
  const opened = openBroker({
    kind: redisUrl === undefined ? "embedded" : "redis",
    redisUrl: redisUrl ?? "redis://127.0.0.1",
    subscriptions: new Map(),
    events: {},
    pacing: unpaced,
    relayId: "test",
    clock: systemClock,
    random: Math.random,
    probeIntervalMs: 1_000,
    timeoutMs: 3_000,
    embeddedPort: 0,
    history,
  });
  opened.broker.start();
  return { ...opened, [Symbol.asyncDispose]: () => opened.close() };
}

async function post(broker: Broker, body: unknown): Promise<{ status: number; answer: Answer }> {
  const endpoint = new PublishEndpoint({
    broker,
    channel: "updates",
    maxUpdateBytes: 1_048_576,
    implicitBroadcast: false,
  });
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await endpoint.handle(
    new Request("http://relay/v1/publish", { method: "POST", body: text }),
  );
  return { status: response.status, answer: (await response.json()) as Answer };
}

const update = (target: string, more: object = {}): object => ({
  target_user_id: target,
  type: "t",
  payload: 1,
  ...more,
});

describe("POST /v1/publish with history", () => {
  test("answers with the offset of each update, in the form that clients resume from", async () => {
    await using it = open();
    const { status, answer } = await post(it.broker, [
      update("alice"),
      update("bob"),
      update("alice"),
      update("*"),
    ]);
    expect([status, answer.accepted]).toEqual([202, 4]);
    expect(answer.updates.map(({ target_user_id }) => target_user_id)).toEqual([
      "alice",
      "bob",
      "alice",
      "*",
    ]);
    const offsets = answer.updates.map(({ offset }) => offset ?? "");
    expect(offsets.map((offset) => offset.replace(/[^*.]+\./, "E."))).toEqual(["E.1", "E.1", "E.2", "*E.1"]);
    expect(offsets[0]?.split(".")[0]).toBe(offsets[2]?.split(".")[0] ?? "");
  });

  test("stores what was published byte for byte, without its target", async () => {
    await using it = open();
    const { broker } = it;
    await post(broker, '{"payload":{"n":1e400, "a":"\\u00e9"},"target_user_id":"alice","type":"t"}');
    const page = await broker.log?.read("alice", "earliest", { updates: 10, bytes: 1_000 });
    const frames = page?.entries.map(({ frame }) => Buffer.from(frame).toString());
    expect(frames).toEqual(['{"payload":{"n":1e400, "a":"\\u00e9"},"type":"t"}']);
  });

  test("stores nothing where one of many is malformed", async () => {
    await using it = open();
    const { broker } = it;
    const { status } = await post(broker, [update("alice"), { type: "t", payload: 1 }]);
    expect(status).toBe(400);
    expect((await broker.log?.positions(["alice"]))?.[0]?.n).toBe(0);
  });

  test("answers a repeated id with the first offset, in one request and in the next", async () => {
    await using it = open();
    const { broker } = it;
    const first = await post(broker, [update("alice", { id: "a" }), update("alice", { id: "a" })]);
    const second = await post(broker, [update("alice", { id: "b" }), update("alice", { id: "a" })]);
    const offsets = [...first.answer.updates, ...second.answer.updates].map(
      ({ offset }) => offset?.split(".")[1],
    );
    expect(offsets).toEqual(["1", "1", "2", "1"]);
  });

  test("says that repeating is safe with an id where the log does not answer", async () => {
    await using it = open();
    const { broker } = it;
    await broker.close();
    const { status, answer } = await post(broker, update("alice"));
    expect(status).toBe(503);
    expect(answer.detail).toContain('an update with an "id" is not stored twice');
  });

  test("says why Redis refuses, and that nothing was stored", async () => {
    await using redis = await startRedis();
    await using it = open(redis.url);
    await eventually("the broker is healthy", () => it.broker.health.ok);
    await redis.cli("CONFIG", "SET", "maxmemory", "1mb");
    const { status, answer } = await post(it.broker, update("alice"));
    expect([status, answer.detail]).toEqual([
      503,
      "Redis refused: Redis is out of memory (OOM). None of the updates was stored. Try again.",
    ]);
  });

  test("stores a thousand updates in one step of Redis", async () => {
    await using redis = await startRedis();
    await using it = open(redis.url);
    await eventually("the broker is healthy", () => it.broker.health.ok);
    await redis.cli("CONFIG", "RESETSTAT");
    const { status, answer } = await post(
      it.broker,
      Array.from({ length: 1_000 }, (_, index) => update(`user-${index % 10}`, { id: index, seq: index })),
    );
    expect(status).toBe(202);
    expect(answer.updates.map(({ offset }) => offset?.split(".")[1])).toEqual(
      Array.from({ length: 1_000 }, (_, index) => String(Math.floor(index / 10) + 1)),
    );
    expect(await redis.cli("INFO", "commandstats")).toContain("cmdstat_fcall:calls=1,");
  });
});
