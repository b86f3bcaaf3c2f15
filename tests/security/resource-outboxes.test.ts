import { expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { RawClient } from "../support/raw-client.ts";
import { startTestRelay } from "../support/test-relay.ts";

const MIB = 1_048_576;
const LIMIT = 8 * MIB;
const CHUNK = "x".repeat(65_536);

test("where too much waits for all, who has the most waiting is closed first, and who reads loses nothing", async () => {
  await using relay = await startTestRelay({
    settings: { client_buffer_bytes: 64 * MIB, total_buffer_bytes: LIMIT },
  });
  const open = async (user: string): Promise<RawClient> => {
    const client = await RawClient.open(relay.relay.port, `/ws?user_id=${user}`);
    client.stopReading();
    return client;
  };
  const [worst, mild] = [await open("worst"), await open("mild")];
  const neighbour = await relay.connect("neighbour");
  const publish = (user: string): Promise<void> =>
    relay.publish({ target_user_id: user, type: "t", payload: CHUNK });
  const waiting = (): Promise<number> => relay.metric("tidings_outbox_bytes");
  await eventually("something waits for the mild one", async () => {
    await publish("mild");
    return (await waiting()) > 4 * CHUNK.length;
  });
  const ofMild = await waiting();
  let sent = 0;
  let highest = 0;
  await eventually("the worst is closed", async () => {
    await publish("worst");
    await relay.publish({ target_user_id: "neighbour", type: "t", payload: sent });
    sent += 1;
    highest = Math.max(highest, await waiting());
    return relay.relay.hub.clientsOf("worst").length === 0;
  });
  expect(relay.relay.hub.clientsOf("mild").length).toBe(1);
  expect(highest).toBeGreaterThan(ofMild + 4 * MIB);
  expect(highest).toBeLessThanOrEqual(LIMIT);
  expect(await waiting()).toBe(ofMild);
  expect(await relay.metric("tidings_clients_shed_total")).toBe(1);
  expect(await relay.metric('tidings_closes_total{code="4480"}')).toBe(1);
  expect(relay.log.filter((line) => line.includes("too much waits")).length).toBe(1);
  const frames = await neighbour.received(sent);
  expect(frames.map(({ payload }) => payload)).toEqual(Array.from({ length: sent }, (_, n) => n));
  mild.readOn();
  await eventually("nothing waits any more", async () => (await waiting()) === 0);
  worst.destroy();
  mild.destroy();
});
