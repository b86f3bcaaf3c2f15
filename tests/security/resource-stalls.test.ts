import { expect, test } from "bun:test";
import { startRelayProcess } from "../../bench/server-process.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";
import { TestClient } from "../support/test-client.ts";

const CLIENTS = 50;
/** Well over a ping's interval and the wait for its answer. */
const STOPPED_MS = 5_000;

test(
  "a relay that stood still closes none of its clients for it, and tells for how long",
  async () => {
    await using redis = await startRedis();
    await using relay = await startRelayProcess({
      redisPort: redis.port,
      environment: { TIDINGS_HEARTBEAT_INTERVAL: "1s", TIDINGS_HEARTBEAT_TIMEOUT: "1s" },
    });
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, (_, n) =>
        TestClient.open({ url: `http://127.0.0.1:${relay.port}/ws?user_id=u${n}` }),
      ),
    );
    relay.signal("SIGSTOP");
    const stoppedAt = performance.now();
    await eventually("it stood still for long", () => performance.now() - stoppedAt > STOPPED_MS);
    relay.signal("SIGCONT");
    const stall = (): Promise<number> => relay.metric("tidings_event_loop_stall_seconds");
    await eventually("it tells of the stall", async () => (await stall()) > STOPPED_MS / 1_000 - 1);
    const resumedAt = performance.now();
    await eventually("every client was judged anew", () => performance.now() - resumedAt > 3_000);
    expect(await relay.metric("tidings_connections")).toBe(CLIENTS);
    expect(await relay.metric('tidings_closes_total{code="4408"}')).toBe(0);
    expect(clients.filter(({ closeEvent }) => closeEvent !== null)).toEqual([]);
    for (const client of clients) client.close();
    relay.signal("SIGTERM");
    await relay.exited;
    expect(await relay.log).toContain("the process stood still");
  },
  { timeout: 60_000 },
);
