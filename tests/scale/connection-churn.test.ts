import { expect, test } from "bun:test";
import { Load } from "../../bench/load/load.ts";
import { processCost } from "../../bench/process-cost.ts";
import { type ServerProcess, startRelayProcess } from "../../bench/server-process.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";
import { figure, mebibytes, SCALE_TIMEOUT_MS, settledMemory, sized, STEP_PATIENCE_MS } from "./support.ts";

const CONNECTIONS = sized(2_000, 10_000);
const ROUNDS = sized(6, 10);
/** Files that come and go with scrapes of the metrics. */
const SPARE_FILES = 4;
const LARGEST_GROWTH = 1.15;

async function registered(relay: ServerProcess, connections: number): Promise<void> {
  await eventually(
    `${connections} connections are registered`,
    async () => (await relay.metric("tidings_connections")) === connections,
    STEP_PATIENCE_MS,
  );
}

test(
  `${CONNECTIONS} connections opened and closed ${ROUNDS} times leave nothing behind`,
  async () => {
    await using redis = await startRedis();
    await using relay = await startRelayProcess({
      redisPort: redis.port,
      environment: { TIDINGS_LOG_LEVEL: "warn" },
    });
    await using load = new Load();
    const filesBefore = processCost.openFiles(relay.pid);
    const memory: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const users = round % 2 === 0 ? CONNECTIONS : CONNECTIONS / 4;
      const opened = await load.call("open", {
        port: relay.port,
        count: CONNECTIONS,
        firstUser: 1 + round * CONNECTIONS,
        users,
        speaksTidings: round % 2 === 1,
      });
      expect(opened).toEqual({ open: CONNECTIONS, refused: 0 });
      await registered(relay, CONNECTIONS);
      expect(await relay.metric("tidings_users")).toBe(users);
      // Every third crowd goes without a word, as one does whose network is gone.
      await load.call(round % 3 === 2 ? "vanish" : "leave", null);
      await registered(relay, 0);
      expect(await relay.metric("tidings_users")).toBe(0);
      await relay.collect();
      memory.push(await settledMemory(relay.pid));
    }
    figure("memory after each round", memory.map(mebibytes).join(", "));
    const [second = Number.NaN, last = Number.NaN] = [memory[1], memory.at(-1)];
    figure("ratio of the last round to the second", (last / second).toFixed(3));
    expect(last / second).toBeLessThan(LARGEST_GROWTH);
    expect(processCost.openFiles(relay.pid)).toBeLessThanOrEqual(filesBefore + SPARE_FILES);
    expect(await relay.metric('tidings_handshakes_total{result="accepted"}')).toBe(CONNECTIONS * ROUNDS);
  },
  SCALE_TIMEOUT_MS,
);
