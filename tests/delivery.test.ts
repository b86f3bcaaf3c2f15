import { describe, expect, test } from "bun:test";
import { startRedis } from "./support/redis-server.ts";
import { startTestRelay } from "./support/test-relay.ts";

describe("an update that a worker publishes", () => {
  test("reaches every connection of its user, and nobody else", async () => {
    await using relay = await startTestRelay();
    const phone = await relay.connect("alice");
    const laptop = await relay.connect("alice");
    const other = await relay.connect("bob");
    await relay.publish({ target_user_id: "alice", type: "agent_update", payload: { text: "Searching…" } });
    await relay.publish({ target_user_id: "bob", type: "agent_update", payload: 1 });
    const expected = { type: "agent_update", payload: { text: "Searching…" } };
    expect(await phone.received(1)).toEqual([expected]);
    expect(await laptop.received(1)).toEqual([expected]);
    expect(await other.received(1)).toEqual([{ type: "agent_update", payload: 1 }]);
  });

  test("goes to everyone where its target is the star", async () => {
    await using relay = await startTestRelay();
    const clients = await Promise.all(["alice", "bob", "carol"].map((user) => relay.connect(user)));
    await relay.publish({ target_user_id: "*", type: "notice", payload: "hello" });
    for (const client of clients) {
      expect(await client.received(1)).toEqual([{ type: "notice", payload: "hello" }]);
    }
  });

  test("arrives byte for byte as published, but for its target", async () => {
    await using relay = await startTestRelay();
    const client = await relay.connect("alice");
    const payload =
      '{"z":1e400, "a":12345678901234567890,"esc":"\\u00e9\\/\\ud83d\\ude00","raw":"é😀","n":-0.0,"a":2 , "deep":[[{}]]}';
    await relay.publishRaw(`{"trace":"t-1", "target_user_id" : "alice","type":"t", "payload":${payload} }`);
    await client.received(1);
    expect(client.texts).toEqual([`{"trace":"t-1","type":"t", "payload":${payload} }`]);
  });

  test("comes in the order in which Redis delivered it", async () => {
    await using relay = await startTestRelay();
    const client = await relay.connect("alice");
    const count = 2_000;
    await Promise.all(
      Array.from({ length: count }, (_, n) =>
        relay.publish({ target_user_id: "alice", type: "token", payload: n }),
      ),
    );
    const frames = await client.received(count);
    expect(frames.map((frame) => frame.payload)).toEqual(Array.from({ length: count }, (_, n) => n));
  });

  test("reaches users of hostile names as any other", async () => {
    await using relay = await startTestRelay();
    const names = ["__proto__", "constructor", "hasOwnProperty", "a b/ü😀", "null"];
    for (const name of names) {
      const client = await relay.connect(name);
      await relay.publish({ target_user_id: name, type: "t", payload: name });
      expect(await client.received(1)).toEqual([{ type: "t", payload: name }]);
    }
    expect(relay.relay.hub.users).toBe(names.length);
  });
});

describe("a malformed update", () => {
  test("is dropped, counted by reason and logged without its payload, and the next good one arrives", async () => {
    await using relay = await startTestRelay({ settings: { max_update_bytes: 2_048 } });
    const client = await relay.connect("alice");
    const secret = "s3cret-payload";
    const bad: Readonly<Record<string, string>> = {
      not_json: `{"target_user_id":"alice","type":"t","payload":"${secret}"`,
      not_object: `["${secret}"]`,
      target_missing: `{"type":"t","payload":"${secret}"}`,
      target_invalid: `{"target_user_id":null,"type":"t","payload":"${secret}"}`,
      target_duplicate: `{"target_user_id":"alice","target_user_id":"bob","type":"t","payload":"${secret}"}`,
      type_missing: `{"target_user_id":"alice","payload":"${secret}"}`,
      type_invalid: `{"target_user_id":"alice","type":7,"payload":"${secret}"}`,
      type_reserved: `{"target_user_id":"alice","type":"tidings.closing","payload":"${secret}"}`,
      payload_missing: `{"target_user_id":"alice","type":"t"}`,
      too_large: `{"target_user_id":"alice","type":"t","payload":"${secret.repeat(200)}"}`,
    };
    for (const text of Object.values(bad)) await relay.publishRaw(text);
    await relay.publish({ target_user_id: "alice", type: "good", payload: null });
    expect(await client.received(1)).toEqual([{ type: "good", payload: null }]);
    for (const reason of Object.keys(bad)) {
      expect(await relay.metric(`tidings_updates_total{result="malformed_${reason}"}`)).toBe(1);
      expect(relay.log.some((line) => line.includes(`"fault":"${reason}"`))).toBe(true);
    }
    expect(relay.log.join("\n")).not.toContain(secret);
  });

  test("without a target is a broadcast only where the relay was told so", async () => {
    await using relay = await startTestRelay({ settings: { implicit_broadcast: true } });
    const client = await relay.connect("alice");
    await relay.publishRaw('{"target_user_id":"","type":"t","payload":1}');
    await relay.publishRaw('{"target_user_id":null,"type":"t","payload":2}');
    await relay.publishRaw('{"type":"t","payload":3}');
    expect(await client.received(1)).toEqual([{ type: "t", payload: 3 }]);
  });
});

test("two relays on one Redis both deliver to the same user", async () => {
  await using redis = await startRedis();
  await using first = await startTestRelay({ redis });
  await using second = await startTestRelay({ redis });
  const here = await first.connect("alice");
  const there = await second.connect("alice");
  await first.publish({ target_user_id: "alice", type: "t", payload: 1 });
  expect(await here.received(1)).toEqual([{ type: "t", payload: 1 }]);
  expect(await there.received(1)).toEqual([{ type: "t", payload: 1 }]);
});
