import { expect, test } from "bun:test";
import { Load, type LoadReport } from "../../bench/load/load.ts";
import { Publisher } from "../../bench/load/publisher.ts";
import { type ServerProcess, startRelayProcess } from "../../bench/server-process.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";
import {
  figure,
  MemoryWatch,
  mebibytes,
  received,
  SCALE_TIMEOUT_MS,
  settledMemory,
  sized,
  STEP_PATIENCE_MS,
} from "./support.ts";

const READERS = sized(2_000, 5_000);
const SLOW = 50;
const FIRST_SLOW_USER = 600_001;
const BUFFER_BYTES = 1_048_576;
/** What the flood may take beside the outboxes: garbage not collected yet, input from Redis. */
const MARGIN_BYTES = 96 * 1_048_576;
const PHASE_MS = sized(6_000, 10_000);
/** Each look at the metrics costs the relay a scrape, so they are rare, and as frequent in every phase. */
const LOOK_MS = 250;

const steady = { firstUser: 1, users: READERS, rate: 2_000, textBytes: 64 };
const flood = { firstUser: FIRST_SLOW_USER, users: SLOW, rate: 400, textBytes: 65_536 };

/** What all phases of the test share. */
interface Scene {
  readonly relay: ServerProcess;
  readonly readers: Load;
  readonly steadily: Publisher;
  readonly flooding: Publisher;
}

/** What the others saw while the flood went on, and the relay's highest memory meanwhile. */
interface Phase {
  readonly others: LoadReport;
  readonly highest: number;
}

/**
 * Floods fresh clients, whose kernel buffers have not grown yet, that read or never do; the latter until
 * each is closed. The others must lose nothing either way.
 */
async function floodClients({ relay, readers, steadily, flooding }: Scene, doRead: boolean): Promise<Phase> {
  await using target = new Load();
  await target.call("open", { port: relay.port, count: SLOW, firstUser: FIRST_SLOW_USER, users: SLOW });
  if (!doRead) await target.call("stopReading", null);
  await readers.call("mark", null);
  using memory = new MemoryWatch(relay.pid);
  const startedAt = performance.now();
  await steadily.call("start", steady);
  await flooding.call("start", flood);
  await eventually(
    doRead ? "the phase is over" : "every client that does not read was closed with 4480",
    async () => {
      await Bun.sleep(LOOK_MS);
      const closed = await relay.metric('tidings_closes_total{code="4480"}');
      return doRead ? performance.now() - startedAt > PHASE_MS : closed === SLOW;
    },
    STEP_PATIENCE_MS,
  );
  const flooded = await flooding.call("stop", null);
  const { published } = await steadily.call("stop", null);
  const others = await received(readers, published);
  expect(others).toMatchObject({
    frames: published,
    open: READERS,
    wrongUser: 0,
    notRising: 0,
    lost: 0,
  });
  if (doRead) await received(target, flooded.published);
  return { others, highest: memory.highest };
}

test(
  `${SLOW} clients that never read are closed with 4480 at their bound, and ${READERS} others lose nothing`,
  async () => {
    await using redis = await startRedis();
    await using relay = await startRelayProcess({
      redisPort: redis.port,
      environment: {
        TIDINGS_CLIENT_BUFFER_BYTES: String(BUFFER_BYTES),
        TIDINGS_LOG_LEVEL: "warn",
        // Who reads nothing answers no ping either, and is to be closed for what waits, not for that.
        TIDINGS_HEARTBEAT_INTERVAL: "10m",
        TIDINGS_HEARTBEAT_TIMEOUT: "10m",
      },
    });
    await using readers = new Load();
    await using steadily = new Publisher();
    await using flooding = new Publisher();
    await steadily.call("connect", redis.port);
    await flooding.call("connect", redis.port);
    await readers.call("open", { port: relay.port, count: READERS, firstUser: 1, users: READERS });
    const idle = await settledMemory(relay.pid);
    const scene = { relay, readers, steadily, flooding };

    // The same flood to clients that read, before and after, is the control: it tells the cost of a flood from
    // that of slowness, and how far two equal phases differ on this machine.
    const before = await floodClients(scene, true);
    expect(await relay.metric('tidings_closes_total{code="4480"}')).toBe(0);
    const attack = await floodClients(scene, false);
    const after = await floodClients(scene, true);
    expect(await relay.metric('tidings_closes_total{code="4480"}')).toBe(SLOW);

    const p99 = ({ others }: Phase): number => others.latency.p99;
    const control = (p99(before) + p99(after)) / 2;
    figure("memory: idle", mebibytes(idle));
    figure("memory: highest, flood to readers", mebibytes(Math.max(before.highest, after.highest)));
    figure("memory: highest, flood to never-readers", mebibytes(attack.highest));
    figure("highest outbox", mebibytes(await relay.metric("tidings_outbox_high_water_bytes")));
    figure(
      "p99 of the others, flood to readers",
      `${p99(before).toFixed(2)} and ${p99(after).toFixed(2)} ms`,
    );
    figure("p99 of the others, flood to never-readers", `${p99(attack).toFixed(2)} ms`);
    figure("ratio", (p99(attack) / control).toFixed(2));
    expect(attack.highest).toBeLessThan(idle + SLOW * BUFFER_BYTES + MARGIN_BYTES);
  },
  SCALE_TIMEOUT_MS,
);
