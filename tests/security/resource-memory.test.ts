import { createClient } from "@redis/client";
import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { startRelay } from "../faults/support/relay-process.ts";
import { RawClient } from "../support/raw-client.ts";
import { startRedis } from "../support/redis-server.ts";
import { TestClient } from "../support/test-client.ts";

const MIB = 1_048_576;
/** What the kernel lets the relay write to: an idle one takes 220 MiB, and one that asks for more than the bound dies. */
const HARD_BOUND = 320 * MIB;
const BUDGET = 16 * MIB;
const CHUNK = MIB / 4;
const USERS = 10;
const ROUNDS = 64;

test(
  "a relay under a hard bound of memory sheds readers that never read before the kernel refuses it memory, and a neighbour loses nothing",
  async () => {
    await using redis = await startRedis();
    await using relay = await startRelay({
      name: "bounded",
      redisUrl: redis.url,
      prefix: ["prlimit", `--data=${HARD_BOUND}`],
      settings: {
        TIDINGS_TOTAL_BUFFER_BYTES: `${BUDGET}B`,
        // The bound of one alone must not be what saves it.
        TIDINGS_CLIENT_BUFFER_BYTES: `${BUDGET}B`,
      },
    });
    const { pid } = relay;
    expect(await readFile(`/proc/${pid}/limits`, "utf8")).toMatch(
      new RegExp(`^Max data size +${HARD_BOUND} `, "m"),
    );
    await using stack = new AsyncDisposableStack();
    for (let n = 0; n < USERS; n += 1) {
      const reader = await RawClient.open(relay.port, `/ws?user_id=user-${n}`);
      stack.defer(() => reader.destroy());
      reader.stopReading();
    }
    const neighbour = await TestClient.open({ url: `${relay.url}/ws?user_id=neighbour` });
    stack.defer(() => neighbour.close());
    const publisher = createClient({ url: redis.url });
    publisher.on("error", () => {});
    await publisher.connect();
    stack.defer(() => publisher.destroy());
    const publish = (user: string, payload: unknown): Promise<number> =>
      publisher.publish("updates", JSON.stringify({ target_user_id: user, type: "t", payload }));
    let highest = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const sent = Array.from({ length: USERS }, (_, n) =>
        publish(`user-${n}`, `${round} of ${n} `.padEnd(CHUNK, "x")),
      );
      await Promise.all([...sent, publish("neighbour", round)]);
      // One round at a time, so that Redis has nothing waiting for a relay that is behind.
      await neighbour.received(round + 1);
      highest = Math.max(highest, await relay.metric("tidings_outbox_bytes"));
    }
    const shed = await relay.metric("tidings_clients_shed_total");
    expect(shed).toBeGreaterThan(0);
    expect(await relay.metric('tidings_closes_total{code="4480"}')).toBe(shed);
    expect(highest).toBeWithin(1, BUDGET + 1);
    expect(neighbour.frames.map(({ payload }) => payload)).toEqual(
      Array.from({ length: ROUNDS }, (_, n) => n),
    );
    expect(neighbour.closeEvent).toBeNull();
    expect(relay.pid).toBe(pid);
    expect(relay.ends()).toEqual([{ name: "bounded", expected: "running", actual: "running", faults: [] }]);
  },
  { timeout: 60_000 },
);
