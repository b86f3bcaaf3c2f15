import { expect, test } from "bun:test";
import { createClient } from "@redis/client";
import { startRelayProcess } from "../../bench/server-process.ts";
import { eventually } from "../support/eventually.ts";
import { RawClient } from "../support/raw-client.ts";
import { startRedis } from "../support/redis-server.ts";
import { TestClient } from "../support/test-client.ts";
import { startTestRelay } from "../support/test-relay.ts";

const FIRST = Buffer.from([0x01, 0x80, 0, 0, 0, 0]);
const EMPTY = Buffer.from([0x00, 0x80, 0, 0, 0, 0]);
const LETTER = Buffer.from([0x00, 0x81, 0, 0, 0, 0, 0x61]);

test("a message that never ends is no sign of life: its client is closed with 4408", async () => {
  await using relay = await startTestRelay({
    settings: { heartbeat_interval: 1_000, heartbeat_timeout: 1_000 },
  });
  const endless = await RawClient.open(relay.relay.port, "/ws?user_id=endless");
  endless.write(FIRST);
  const timer = setInterval(() => endless.write(LETTER), 20);
  await eventually("it is given up", () => relay.relay.hub.connections === 0);
  clearInterval(timer);
  await eventually("it was told why", () => endless.closeCode === 4408);
  endless.destroy();
});

test.skipIf(process.platform !== "linux")(
  "clients that flood empty fragments are closed with 4429, cost no memory, and a neighbour loses nothing",
  async () => {
    await using redis = await startRedis();
    // They answer no ping either, which on a machine of many connections may be noticed before they are found.
    const environment = { TIDINGS_HEARTBEAT_TIMEOUT: "2m" };
    await using relay = await startRelayProcess({ redisPort: redis.port, environment });
    const publisher = createClient({ url: redis.url });
    await publisher.connect();
    const neighbour = await TestClient.open({ url: `http://127.0.0.1:${relay.port}/ws?user_id=neighbour` });
    const before = await relay.metric("process_resident_memory_bytes");
    const bytes = Buffer.concat(Array.from({ length: 40_000 }, () => EMPTY));
    const flooders = await Promise.all(
      Array.from({ length: 8 }, () => RawClient.open(relay.port, "/ws?user_id=flooder")),
    );
    for (const flooder of flooders) {
      flooder.write(FIRST);
      const pump = (): void => {
        while (!flooder.isClosed && flooder.socket.write(bytes));
      };
      flooder.socket.on("drain", pump);
      pump();
    }
    let sent = 0;
    await eventually(
      "all are closed",
      async () => {
        sent += 1;
        const update = { target_user_id: "neighbour", type: "t", payload: sent };
        await publisher.publish("updates", JSON.stringify(update));
        return (await relay.metric('tidings_closes_total{code="4429"}')) === flooders.length;
      },
      60_000,
    );
    const frames = await neighbour.received(sent);
    expect(frames.map(({ payload }) => payload)).toEqual(Array.from({ length: sent }, (_, n) => n + 1));
    expect((await relay.metric("process_resident_memory_bytes")) - before).toBeLessThan(64 * 1_048_576);
    for (const flooder of flooders) flooder.destroy();
    neighbour.close();
    publisher.destroy();
  },
  { timeout: 90_000 },
);

test("deep and poisoned JSON of a client reaches workers as it was written, and changes nothing in the relay", async () => {
  await using relay = await startTestRelay();
  const worker = createClient({ url: relay.redis.url });
  await worker.connect();
  const seen: string[] = [];
  await worker.subscribe("inbound", (message) => void seen.push(message));
  const client = await relay.connect("__proto__");
  const payloads = [
    `${"[".repeat(30_000)}${"]".repeat(30_000)}`,
    `${'{"a":'.repeat(9_000)}1${"}".repeat(9_000)}`,
    '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}',
    "9".repeat(60_000),
  ];
  for (const payload of payloads) client.send(`{"type":"__proto__","payload":${payload}}`);
  await eventually("all came", () => seen.length === payloads.length);
  for (const [at, payload] of payloads.entries()) {
    expect(seen[at]).toStartWith('{"user_id":"__proto__",');
    expect(seen[at]).toContain(`"payload":${payload},"received_at"`);
  }
  expect(Reflect.get({}, "isAdmin")).toBeUndefined();
  expect(client.closeEvent).toBeNull();
  worker.destroy();
});

test("a message of nothing but open brackets closes its connection with 4400", async () => {
  await using relay = await startTestRelay();
  const client = await relay.connect("deep");
  client.send("[".repeat(60_000));
  expect(await client.closed()).toMatchObject({ code: 4400 });
});
