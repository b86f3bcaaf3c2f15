import { describe, expect, test } from "bun:test";
import { eventually } from "./support/eventually.ts";
import { RawClient } from "./support/raw-client.ts";
import { startRedis } from "./support/redis-server.ts";
import type { SeenFrame, TestClient } from "./support/test-client.ts";
import { startTestRelay, type TestRelay, type TestRelayOptions } from "./support/test-relay.ts";

const TIDINGS = { protocols: ["tidings.v1"] } as const;

type Update = SeenFrame & { readonly offset: string };

const update = (user: string, payload: unknown): { target_user_id: string } & Record<string, unknown> => ({
  target_user_id: user,
  type: "step",
  payload,
});

const isUpdate = (frame: SeenFrame): frame is Update => !frame.type.startsWith("tidings.");
const updatesOf = (client: TestClient): readonly Update[] => client.frames.filter(isUpdate);

async function updates(client: TestClient, count: number): Promise<readonly Update[]> {
  await eventually(`${count} updates came`, () => updatesOf(client).length >= count);
  return updatesOf(client);
}

const welcome = async (client: TestClient): Promise<Record<string, unknown>> =>
  (await client.frame("tidings.welcome")).payload as Record<string, unknown>;

async function resumed(relay: TestRelay, user: string, since: string): Promise<TestClient> {
  const url = `${relay.url}/ws?user_id=${encodeURIComponent(user)}&since=${encodeURIComponent(since)}`;
  return relay.connect(user, { ...TIDINGS, url });
}

for (const broker of ["redis", "embedded"] as const) {
  const start = (options: TestRelayOptions = {}): Promise<TestRelay> =>
    startTestRelay({ ...options, broker, settings: { history: true, ...options.settings } });

  describe(`with the log of the ${broker} broker`, () => {
    test("every update carries its offset, contiguous for each user and for broadcasts", async () => {
      await using relay = await start();
      const ann = await relay.connect("ann");
      const bob = await relay.connect("bob", TIDINGS);
      for (const payload of [1, 2]) await relay.store(update("ann", payload));
      await relay.store(update("*", "all"));
      const stored = await relay.store(update("ann", 3));
      const [one, two, all, three] = await updates(ann, 4);
      const epoch = one?.offset.split(".")[0];
      expect([one?.offset, two?.offset, three?.offset]).toEqual([1, 2, 3].map((n) => `${epoch}.${n}`));
      expect(stored).toBe(`${epoch}.3`);
      expect(all?.offset).toMatch(/^\*[\w-]+\.1$/);
      expect(await updates(bob, 1)).toEqual([expect.objectContaining({ payload: "all" })]);
      expect(await welcome(bob)).toMatchObject({ offset: expect.stringMatching(/^[\w-]+\.0,\*[\w-]+\.0$/) });
    });

    test("plain PUBLISH gets history too, byte for byte", async () => {
      await using relay = await start();
      const ann = await relay.connect("ann");
      await relay.publishRaw('{"target_user_id":"ann","type":"t","payload":{"n":1e400, "s":"é\\u00e9"}}');
      await updates(ann, 1);
      const { offset } = updatesOf(ann)[0] ?? { offset: "" };
      expect(ann.texts).toEqual([`{"type":"t","payload":{"n":1e400, "s":"é\\u00e9"},"offset":"${offset}"}`]);
      expect(offset).toMatch(/^[\w-]+\.1$/);
    });

    test("POST /v1/publish answers with offsets once the updates are stored, and an id makes it repeatable", async () => {
      await using relay = await start({ settings: { api_key: "key" } });
      const ann = await relay.connect("ann");
      const post = (body: unknown): Promise<Response> =>
        relay.http("/v1/publish", {
          method: "POST",
          headers: { authorization: "Bearer key" },
          body: JSON.stringify(body),
        });
      const first = await post([{ ...update("ann", 1), id: "a" }, update("*", 2)]);
      expect(first.status).toBe(202);
      const answer = (await first.json()) as { updates: readonly { offset: string }[] };
      expect(answer.updates.map(({ offset }) => offset.replace(/[\w-]+\./, "e."))).toEqual(["e.1", "*e.1"]);
      const again = (await (await post({ ...update("ann", 1), id: "a" })).json()) as typeof answer;
      expect(again.updates[0]?.offset).toBe(answer.updates[0]?.offset ?? "");
      await relay.store(update("ann", "last"));
      expect((await updates(ann, 3)).map(({ payload }) => payload)).toEqual([1, 2, "last"]);
    });

    test("a client that comes back gets what it missed, once and in order, and is told how many follow", async () => {
      await using relay = await start();
      const first = await relay.connect("ann", TIDINGS);
      await relay.store(update("ann", 1));
      await relay.store(update("*", "a"));
      const seen = await updates(first, 2);
      first.close();
      for (const payload of [2, 3, 4]) await relay.store(update("ann", payload));
      await relay.store(update("*", "b"));
      const second = await resumed(relay, "ann", seen.map(({ offset }) => offset).join(","));
      expect(await welcome(second)).toMatchObject({ recovered: true, following: 4 });
      await relay.store(update("ann", 5));
      expect((await updates(second, 5)).map(({ payload }) => payload)).toEqual([2, 3, 4, "b", 5]);
      expect(second.frames.some(({ type }) => type === "tidings.gap")).toBe(false);
    });

    test("thousands of missed updates are replayed in pages, without a hole", async () => {
      await using relay = await start({ settings: { history_size: 5_000 } });
      const before = await relay.connect("ann", TIDINGS);
      const { offset } = await welcome(before);
      const total = 3_000;
      await Promise.all(Array.from({ length: total }, (_, n) => relay.store(update("ann", n))));
      const after = await resumed(relay, "ann", String(offset));
      const got = await updates(after, total);
      expect(got.map(({ payload }) => payload)).toEqual(Array.from({ length: total }, (_, n) => n));
      expect(await relay.metric("tidings_replayed_updates_total")).toBeGreaterThanOrEqual(total);
      await eventually("the client is live", async () => (await relay.metric("tidings_catching_up")) === 0);
    });

    test("a client with a small bound gets a long replay without being called slow", async () => {
      await using relay = await start({ settings: { client_buffer_bytes: 16_384, history_size: 2_000 } });
      const stored = await relay.store(update("ann", "first"));
      const text = "x".repeat(1_000);
      await Promise.all(Array.from({ length: 1_000 }, () => relay.store(update("ann", text))));
      const client = await resumed(relay, "ann", stored);
      expect((await updates(client, 1_000)).length).toBe(1_000);
      expect(client.closeEvent).toBeNull();
    });

    test("earliest, and number 0 of the epoch, replay all that is held", async () => {
      await using relay = await start();
      const stored = await relay.store(update("ann", 1));
      await relay.store(update("ann", 2));
      const earliest = await resumed(relay, "ann", "earliest");
      expect(await welcome(earliest)).toMatchObject({ recovered: true, following: 2 });
      const zero = await resumed(relay, "ann", stored.replace(/\.1$/, ".0"));
      expect(await welcome(zero)).toMatchObject({ recovered: true, following: 2 });
      for (const client of [earliest, zero]) {
        expect((await updates(client, 2)).map(({ payload }) => payload)).toEqual([1, 2]);
      }
    });

    test("a place that cannot be resumed from is said, with the reason, and live updates go on", async () => {
      await using relay = await start({ settings: { history_size: 3, resume_limit: 2 } });
      const first = await relay.store(update("ann", 1));
      const [epoch] = first.split(".");
      for (let n = 2; n <= 10; n += 1) await relay.store(update("ann", n));
      const other = await relay.store(update("bob", 1));
      const cases = [
        [first, "trimmed"],
        [`${epoch}.11`, "ahead"],
        [`${epoch}.7`, "too_many"],
        [other, "epoch_changed"],
        ["elsewhen.5", "epoch_changed"],
        ["nonsense", "malformed"],
        ["", "malformed"],
      ] as const;
      const clients: TestClient[] = [];
      for (const [since, reason] of cases) {
        const client = await resumed(relay, "ann", since);
        expect(await welcome(client)).toMatchObject({ recovered: false, following: 0, reason });
        expect(client.frames.some(({ type }) => type === "tidings.gap")).toBe(reason !== "malformed");
        clients.push(client);
      }
      await relay.store(update("ann", "live"));
      for (const client of clients) {
        expect((await updates(client, 1)).map(({ offset }) => offset)).toEqual([`${epoch}.11`]);
      }
    });

    test("a trimmed log still gives all that is held where number 0 is asked for, and says it is not all", async () => {
      await using relay = await start({ settings: { history_size: 3 } });
      const first = await relay.store(update("ann", 1));
      for (let n = 2; n <= 10; n += 1) await relay.store(update("ann", n));
      const client = await resumed(relay, "ann", first.replace(/\.1$/, ".0"));
      expect(await welcome(client)).toMatchObject({ recovered: false, following: 3, reason: "trimmed" });
      expect((await updates(client, 3)).map(({ payload }) => payload)).toEqual([8, 9, 10]);
    });

    test("an open connection resumes with a frame, and is answered with its id", async () => {
      await using relay = await start();
      const client = await relay.connect("ann", TIDINGS);
      const { offset } = await welcome(client);
      await relay.store(update("ann", 1));
      await updates(client, 1);
      client.send({ type: "tidings.resume", id: "r", payload: { since: offset } });
      expect(await client.frame("tidings.resumed")).toMatchObject({
        id: "r",
        payload: { recovered: true, following: 1 },
      });
      await relay.store(update("ann", 2));
      expect((await updates(client, 3)).map(({ payload }) => payload)).toEqual([1, 1, 2]);
      client.send({ type: "tidings.resume", id: "s", payload: {} });
      expect((await client.closed()).code).toBe(4400);
    });

    test("a plain client resumes too, gets updates and nothing else, and is refused where since is no place", async () => {
      await using relay = await start();
      const stored = await relay.store(update("ann", 1));
      await relay.store(update("ann", 2));
      const plain = await relay.connect("ann", { url: `${relay.url}/ws?user_id=ann&since=${stored}` });
      await relay.store(update("ann", 3));
      await updates(plain, 2);
      expect(plain.frames.map(({ payload }) => payload)).toEqual([2, 3]);
      const refused = RawClient.open(relay.relay.port, "/ws?user_id=ann&since=nonsense");
      expect(refused).rejects.toThrow("400 Bad Request");
    });

    test("a hole in a producer's counter is told before the update that shows it, live and in a replay", async () => {
      await using relay = await start();
      const live = await relay.connect("ann", TIDINGS);
      const { offset } = await welcome(live);
      await relay.publish({ ...update("ann", "a"), seq: 1, producer: "p" });
      await relay.publish({ ...update("ann", "b"), seq: 4, producer: "p" });
      await updates(live, 2);
      const replayed = await resumed(relay, "ann", String(offset));
      await updates(replayed, 2);
      for (const client of [live, replayed]) {
        const [, first, gap, second] = client.frames;
        expect([first?.payload, second?.payload]).toEqual(["a", "b"]);
        expect(gap).toMatchObject({
          type: "tidings.gap",
          payload: { reason: "seq", recovered: false, producer: "p", from: 2, to: 3 },
        });
      }
    });
  });
}

describe("with history on two relays", () => {
  test("a client resumes on another relay as on its own, and each update is stored once", async () => {
    await using redis = await startRedis();
    await using one = await startTestRelay({ redis, settings: { history: true } });
    await using two = await startTestRelay({ redis, settings: { history: true } });
    const first = await one.connect("ann", TIDINGS);
    const { offset } = await welcome(first);
    for (let n = 0; n < 20; n += 1) await one.publish(update("ann", n));
    const seen = await updates(first, 20);
    first.close();
    for (let n = 20; n < 30; n += 1) await two.publish(update("ann", n));
    const all = await resumed(two, "ann", String(offset));
    const rest = await resumed(two, "ann", seen.at(-1)?.offset ?? "");
    expect((await updates(all, 30)).map(({ payload }) => payload)).toEqual(
      Array.from({ length: 30 }, (_, n) => n),
    );
    expect((await updates(rest, 10)).map(({ payload }) => payload)).toEqual(
      Array.from({ length: 10 }, (_, n) => n + 20),
    );
    expect(all.frames.length).toBe(31);
  });
});

describe("with history off", () => {
  test("updates carry no offset, and a client that asks to resume is told", async () => {
    await using relay = await startTestRelay();
    const client = await resumed(relay, "ann", "e.1");
    expect(await welcome(client)).toMatchObject({ recovered: false, following: 0, reason: "history_off" });
    client.send({ type: "tidings.resume", payload: { since: "e.1" } });
    expect(await client.frame("tidings.resumed")).toMatchObject({ payload: { reason: "history_off" } });
    const plain = await relay.connect("ann", { url: `${relay.url}/ws?user_id=ann&since=nonsense` });
    await relay.publish(update("ann", 1));
    await updates(plain, 1);
    expect(plain.texts).toEqual(['{"type":"step","payload":1}']);
  });
});
