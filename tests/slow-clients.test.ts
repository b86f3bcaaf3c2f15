import { describe, expect, test } from "bun:test";
import { eventually } from "./support/eventually.ts";
import { RawClient } from "./support/raw-client.ts";
import { startTestRelay } from "./support/test-relay.ts";

const CHUNK = "x".repeat(16_384);

describe("a client that never reads", () => {
  test("is closed at its byte limit with 4480, and its neighbour loses nothing", async () => {
    await using relay = await startTestRelay({ settings: { client_buffer_bytes: 262_144 } });
    const slow = await RawClient.open(relay.relay.port, "/ws?user_id=slow");
    slow.stopReading();
    const neighbour = await relay.connect("neighbour");
    let sent = 0;
    await eventually("the slow one is given up", async () => {
      await relay.publish({ target_user_id: "slow", type: "t", payload: CHUNK });
      await relay.publish({ target_user_id: "neighbour", type: "t", payload: sent });
      sent += 1;
      return relay.relay.hub.clientsOf("slow").length === 0;
    });
    const frames = await neighbour.received(sent);
    expect(frames.map((frame) => frame.payload)).toEqual(Array.from({ length: sent }, (_, n) => n));
    expect(await relay.metric('tidings_closes_total{code="4480"}')).toBe(1);
    const highest = await relay.metric("tidings_outbox_high_water_bytes");
    expect(highest).toBeGreaterThan(262_144);
    expect(highest).toBeLessThan(262_144 + 2 * CHUNK.length);
    expect(await relay.metric("tidings_frames_dropped_total")).toBeGreaterThan(0);
    slow.readOn();
    await eventually("the slow one reads why", () => slow.closeCode === 4480);
    slow.destroy();
  });

  test("gets everything in order when it reads on before its limit", async () => {
    await using relay = await startTestRelay({ settings: { client_buffer_bytes: 8 * 1_048_576 } });
    const client = await RawClient.open(relay.relay.port, "/ws?user_id=slow");
    client.stopReading();
    const count = 500;
    for (let n = 0; n < count; n += 1) {
      await relay.publish({ target_user_id: "slow", type: "t", payload: CHUNK });
    }
    expect(relay.relay.hub.clientsOf("slow").length).toBe(1);
    const header = 4;
    const frame = header + JSON.stringify({ type: "t", payload: CHUNK }).length;
    client.readOn();
    await eventually("all bytes came", () => client.receivedBytes === count * frame);
    expect(client.closeCode).toBeNull();
    client.destroy();
  });
});

test("a client that floods pings and reads no pongs is given up at its byte limit", async () => {
  await using relay = await startTestRelay({ settings: { client_buffer_bytes: 65_536 } });
  const flooder = await RawClient.open(relay.relay.port, "/ws?user_id=flooder");
  flooder.stopReading();
  const ping = Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125)]);
  const many = Buffer.concat(Array.from({ length: 2_000 }, () => ping));
  await eventually("the flooder is given up", () => {
    if (flooder.socket.writableLength < 4 * many.length) flooder.write(many);
    return relay.relay.hub.clientsOf("flooder").length === 0;
  });
  expect(await relay.metric('tidings_closes_total{code="4480"}')).toBe(1);
  flooder.destroy();
});

test("one update larger than the client's buffer reaches a client that reads", async () => {
  await using relay = await startTestRelay({ settings: { client_buffer_bytes: 4_096 } });
  const client = await relay.connect("alice");
  const payload = "y".repeat(900_000);
  await relay.publish({ target_user_id: "alice", type: "t", payload });
  expect(await client.received(1)).toEqual([{ type: "t", payload }]);
});

test("a burst far over the buffer reaches a client that reads", async () => {
  await using relay = await startTestRelay({ settings: { client_buffer_bytes: 131_072 } });
  const client = await relay.connect("alice");
  const count = 64;
  await Promise.all(
    Array.from({ length: count }, () =>
      relay.publish({ target_user_id: "alice", type: "t", payload: CHUNK }),
    ),
  );
  await client.received(count);
});

test("a client that answers no ping is closed with 4408, and one that answers is kept", async () => {
  await using relay = await startTestRelay({
    settings: { heartbeat_interval: 1_000, heartbeat_timeout: 1_000 },
  });
  const silent = await RawClient.open(relay.relay.port, "/ws?user_id=silent");
  const alive = await relay.connect("alive");
  await eventually("the silent one is given up", () => relay.relay.hub.clientsOf("silent").length === 0);
  await eventually("it was told why", () => silent.closeCode === 4408);
  expect(alive.closeEvent).toBeNull();
  silent.destroy();
});
