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

for (const [name, opcode] of [
  ["pings", 0x89],
  ["pongs", 0x8a],
] as const) {
  test(`a client that floods ${name} is closed with 4429 within one batch of them`, async () => {
    await using relay = await startTestRelay();
    const flooder = await RawClient.open(relay.relay.port, "/ws?user_id=flooder");
    const frame = Buffer.from([opcode, 0x80, 0, 0, 0, 0]);
    flooder.write(Buffer.concat(Array.from({ length: 20_000 }, () => frame)));
    await eventually("the flooder is told why", () => flooder.closeCode === 4429);
    expect(relay.relay.hub.connections).toBe(0);
    const pongFrameBytes = 2;
    expect(flooder.receivedBytes).toBeLessThan(300 * pongFrameBytes + 125);
    flooder.destroy();
  });
}

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
