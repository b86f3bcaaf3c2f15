import { expect, test } from "bun:test";
import { Load } from "../../bench/load/load.ts";
import { startRelayProcess } from "../../bench/server-process.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";
import { figure, SCALE_TIMEOUT_MS, sized, STEP_PATIENCE_MS } from "./support.ts";

const CLIENTS = sized(1_000, 5_000);
const WINDOW_MS = sized(5_000, 10_000);
const DEADLINE_MS = WINDOW_MS + 15_000;
const PARTS = 5;

/** How many of `times` fall into each fifth of a span that begins at `from`; later ones go to the last. */
function parts(times: readonly number[], from: number, span: number): number[] {
  const counts = Array.from({ length: PARTS }, () => 0);
  for (const time of times) {
    const part = Math.min(PARTS - 1, Math.max(0, Math.floor(((time - from) / span) * PARTS)));
    counts[part] = (counts[part] ?? 0) + 1;
  }
  return counts;
}

test(
  `SIGTERM closes ${CLIENTS} clients with 1001 and advice, spread over the window, and ends with status 0`,
  async () => {
    await using redis = await startRedis();
    await using relay = await startRelayProcess({
      redisPort: redis.port,
      environment: {
        TIDINGS_LOG_LEVEL: "warn",
        TIDINGS_DRAIN_WINDOW: `${WINDOW_MS}ms`,
        TIDINGS_DRAIN_DEADLINE: `${DEADLINE_MS}ms`,
      },
    });
    await using load = new Load();
    const half = { port: relay.port, count: CLIENTS / 2, users: CLIENTS / 2 };
    await load.call("open", { ...half, firstUser: 1 });
    await load.call("open", { ...half, firstUser: 1 + CLIENTS / 2, speaksTidings: true });
    await eventually(
      "all are registered",
      async () => (await relay.metric("tidings_connections")) === CLIENTS,
      STEP_PATIENCE_MS,
    );
    await load.call("mark", null);
    const startedAt = performance.now();
    relay.signal("SIGTERM");
    await eventually("it is not ready", async () => (await relay.status("/readyz")) === 503);
    expect(await relay.status("/ws?user_id=late")).not.toBe(101);
    await using late = new Load();
    const refused = await late.call("open", { port: relay.port, count: 5, firstUser: 900_001, users: 5 });
    expect(refused).toEqual({ open: 0, refused: 5 });
    expect(await relay.exited).toBe(0);
    const took = performance.now() - startedAt;
    expect(took).toBeLessThan(DEADLINE_MS);
    await eventually("the load saw every close", async () => (await load.call("count", null)).open === 0);

    const { closes, systemFrames } = await load.call("report", null);
    expect(closes.length).toBe(CLIENTS);
    expect(closes.filter(({ code }) => code !== 1_001)).toEqual([]);
    // The Tidings half was told so by a frame of its own as well.
    expect(systemFrames).toBe(CLIENTS / 2);
    const advice = closes.map(({ reason }) => Number(/retry_after_ms=(\d+)$/.exec(reason)?.[1]));
    for (const retry of advice) expect(retry).toBeWithin(0, WINDOW_MS);
    const times = closes.map(({ at }) => at);
    const closed = parts(times, Math.min(...times), WINDOW_MS);
    const comeBack = parts(advice, 0, WINDOW_MS);
    figure("closes in each fifth of the window", closed.join(", "));
    figure("advised returns in each fifth of the window", comeBack.join(", "));
    figure("from SIGTERM to the end of the process", `${Math.round(took)} ms of ${DEADLINE_MS}`);
    for (const count of [...closed, ...comeBack]) expect(count).toBeGreaterThan(CLIENTS / PARTS / 4);
  },
  SCALE_TIMEOUT_MS,
);
