import { describe, expect, test } from "bun:test";
import { eventually } from "./support/eventually.ts";
import { startRedis } from "./support/redis-server.ts";
import { startTestRelay, type TestRelay, type TestRelayOptions } from "./support/test-relay.ts";
import { RawStream, TestStream } from "./support/test-stream.ts";

const update = (user: string, payload: unknown): { target_user_id: string } & Record<string, unknown> => ({
  target_user_id: user,
  type: "step",
  payload,
});

const payloads = (stream: TestStream): unknown[] => stream.updates.map(({ payload }) => payload);

test("without history a stream that asks to resume is told that nothing is kept", async () => {
  await using relay = await startTestRelay();
  for (const [query, headers] of [
    ["&since=earliest", {}],
    ["", { "last-event-id": "e.1,*b.2" }],
  ] as const) {
    using stream = await TestStream.open(`${relay.url}/v1/stream?user_id=ann${query}`, headers);
    expect(await stream.frame("tidings.welcome")).toMatchObject({
      payload: { recovered: false, following: 0, reason: "history_off" },
    });
    expect(stream.parser.lastEventId).toBe("");
  }
});

for (const broker of ["redis", "embedded"] as const) {
  const start = (options: TestRelayOptions = {}): Promise<TestRelay> =>
    startTestRelay({ ...options, broker, settings: { history: true, ...options.settings } });

  describe(`with the log of the ${broker} broker`, () => {
    test("the id of each event is the whole position, of which the frame's own offset is a part", async () => {
      await using relay = await start();
      using stream = await TestStream.open(`${relay.url}/v1/stream?user_id=ann`);
      const welcome = await stream.frame("tidings.welcome");
      const { offset } = welcome.payload as { readonly offset: string };
      const [user = "", all = ""] = offset.split(",").map((part) => part.slice(0, part.lastIndexOf(".")));
      for (const target of ["ann", "*", "ann", "bob", "*", "ann"]) await relay.store(update(target, 1));
      await stream.received(5);
      const ids = stream.parser.events.map(({ lastEventId }) => lastEventId);
      expect(ids).toEqual(
        [
          [0, 0],
          [1, 0],
          [1, 1],
          [2, 1],
          [2, 2],
          [3, 2],
        ].map(([n, m]) => `${user}.${n},${all}.${m}`),
      );
      for (const [n, frame] of stream.updates.entries()) {
        expect(ids[n + 1]?.split(",")).toContain((frame as { readonly offset?: string }).offset ?? "");
      }
    });

    test("Last-Event-ID resumes where the reader was, and wins over the address of its first visit", async () => {
      await using relay = await start();
      const url = `${relay.url}/v1/stream?user_id=ann&since=earliest`;
      for (const n of [1, 2, 3]) await relay.store(update("ann", n));
      let id = "";
      {
        using first = await TestStream.open(url);
        await first.received(3);
        id = first.parser.events[2]?.lastEventId ?? "";
      }
      await relay.store(update("*", "all"));
      await relay.store(update("ann", 4));
      using second = await TestStream.open(url, { "last-event-id": id });
      await second.received(3);
      expect(payloads(second)).toEqual([3, 4, "all"]);
      expect(await second.frame("tidings.welcome")).toMatchObject({
        payload: { recovered: true, following: 3, offset: id },
      });
    });

    test("an id that is none is told as malformed, and the stream goes on live", async () => {
      await using relay = await start();
      using stream = await TestStream.open(`${relay.url}/v1/stream?user_id=ann`, { "last-event-id": "17" });
      expect(await stream.frame("tidings.welcome")).toMatchObject({
        payload: { recovered: false, reason: "malformed" },
      });
      await relay.store(update("ann", 1));
      expect(await stream.received(1)).toHaveLength(1);
    });

    test("a hole is told before what follows it", async () => {
      await using relay = await start({ settings: { history_size: 10 } });
      const { length } = await Promise.all(
        Array.from({ length: 40 }, (_, n) => relay.store(update("ann", n))),
      );
      using first = await TestStream.open(`${relay.url}/v1/stream?user_id=ann&since=earliest`);
      await first.received(10);
      const [epoch] = first.parser.lastEventId.split(",*")[0]?.split(/\.(?=\d+$)/) ?? [];
      using stream = await TestStream.open(`${relay.url}/v1/stream?user_id=ann&since=${epoch}.0`);
      await stream.received(10);
      expect(stream.frames.slice(0, 3)).toMatchObject([
        { type: "tidings.welcome", payload: { recovered: false, reason: "trimmed", following: 10 } },
        { type: "tidings.gap", payload: { reason: "trimmed", next: `${epoch}.${length - 9}` } },
        { offset: `${epoch}.${length - 9}` },
      ]);
    });

    test("a replay far over the buffer waits for a reader that stops, and brings everything in order", async () => {
      await using relay = await start({
        settings: { client_buffer_bytes: 65_536, history_bytes: 64 * 1_048_576 },
      });
      const payload = "x".repeat(16_384);
      const count = 600;
      for (let n = 0; n < count; n += 1) await relay.store({ ...update("ann", payload), n });
      const raw = await RawStream.open(relay.relay.port, "/v1/stream?user_id=ann&since=earliest", {
        reads: false,
      });
      await eventually("the network is full", () => relay.relay.hub.clientsOf("ann")[0]?.isBlocked === true);
      await relay.store({ ...update("ann", "live"), n: count });
      expect(relay.relay.hub.clientsOf("ann")).toHaveLength(1);
      raw.socket.resume();
      await eventually("the live one came, last", () => raw.tail.includes('"live"'));
      expect(raw.receivedBytes).toBeGreaterThan(count * payload.length);
      // More than the bound goes at once to a network that takes it.
      expect(await relay.metric("tidings_outbox_high_water_bytes")).toBeLessThan(65_536 + 2 * 16_384);
      raw.socket.destroy();
    });
  });
}

test("a reader that lost its relay resumes at another one by its id alone, with nothing missing and nothing twice", async () => {
  await using redis = await startRedis();
  const settings = { history: true };
  await using staying = await startTestRelay({ redis, settings });
  const seen: unknown[] = [];
  let id = "";
  {
    await using leaving = await startTestRelay({ redis, settings });
    using stream = await TestStream.open(`${leaving.url}/v1/stream?user_id=ann`);
    await stream.frame("tidings.welcome");
    for (let n = 0; n < 10; n += 1) await staying.store(update(n % 3 === 0 ? "*" : "ann", n));
    await stream.received(10);
    await leaving.relay.stop();
    await stream.ended();
    seen.push(...payloads(stream));
    id = stream.parser.lastEventId;
  }
  for (let n = 10; n < 20; n += 1) await staying.store(update("ann", n));
  using stream = await TestStream.open(`${staying.url}/v1/stream?user_id=ann`, { "last-event-id": id });
  await stream.received(10);
  await staying.store(update("ann", 20));
  await stream.received(11);
  seen.push(...payloads(stream));
  expect(seen).toEqual(Array.from({ length: 21 }, (_, n) => n));
});
