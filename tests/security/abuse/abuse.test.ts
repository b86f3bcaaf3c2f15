import { expect, test } from "bun:test";
import { join } from "node:path";
import { Load, type LoadReport } from "../../../bench/load/load.ts";
import { Publisher } from "../../../bench/load/publisher.ts";
import { startRelayProcess } from "../../../bench/server-process.ts";
import { figure, mebibytes, settledMemory } from "../../scale/support.ts";
import { root } from "../../support/process.ts";
import { startRedis } from "../../support/redis-server.ts";
import { Attacker } from "./attacker.ts";
import { runPage, type Stretch } from "./run-report.ts";

const isFull = process.env["TIDINGS_ABUSE"] === "full";
const CLIENTS = 1_000;
const WAVE_MS = isFull ? 10_000 : 1_200;
const CALM_MS = isFull ? 10_000 : 2_000;
/** After each wave, so that what one leaves behind is not measured with the next. */
const REST_MS = isFull ? 2_000 : 100;
/** A guard against a hang, no promise of speed. */
const TIMEOUT_MS = 900_000;
const SECRET = "secret-of-the-abuse-run-0123456789abcdef";
/** How much more memory the relay may hold after all waves than before the first, garbage collected. */
const MEMORY_RATIO = 1.5;
const MEMORY_MARGIN_BYTES = 32 * 1_048_576;
const honest = { firstUser: 1, users: CLIENTS, rate: 500, textBytes: 64 };

test(
  `${CLIENTS} honest clients lose nothing while every kind of abuse is done to their relay, which neither grows nor restarts`,
  async () => {
    await using redis = await startRedis();
    await using relay = await startRelayProcess({
      redisPort: redis.port,
      environment: {
        TIDINGS_INSECURE_USER_ID: "false",
        TIDINGS_JWT_SECRET: SECRET,
        TIDINGS_TOTAL_BUFFER_BYTES: "16MiB",
      },
    });
    const { pid } = relay;
    await using clients = new Load();
    await using publisher = new Publisher();
    await using attacker = new Attacker();
    const target = { port: relay.port, redisPort: redis.port, secret: SECRET };
    const stretches: Stretch[] = [];
    const laps: LoadReport[] = [];
    const takeLap = async (): Promise<LoadReport> => {
      const lap = await clients.call("lap", null);
      laps.push(lap);
      return lap;
    };
    const note = async (name: string, attempts: number | null): Promise<void> => {
      const lap = await takeLap();
      stretches.push({ name, attempts, honest: lap });
      figure(name, `p99 ${lap.latency.p99.toFixed(1)} ms, ${attempts ?? "no"} attempts`);
    };
    await publisher.call("connect", redis.port);
    await clients.call("open", {
      port: relay.port,
      count: CLIENTS,
      secret: SECRET,
      firstUser: 1,
      users: CLIENTS,
    });
    await publisher.call("start", honest);
    await Bun.sleep(CALM_MS);
    await relay.collect();
    const before = await settledMemory(pid);
    await takeLap();

    await Bun.sleep(CALM_MS);
    await note("nothing, before", null);
    for (const wave of await attacker.call("waves", null)) {
      const attempts = await attacker.call("attack", { wave, target, forMs: WAVE_MS });
      await note(wave, attempts);
      await Bun.sleep(REST_MS);
      await takeLap();
    }
    await Bun.sleep(CALM_MS);
    await note("nothing, after", null);
    const { published } = await publisher.call("stop", null);
    await relay.collect();
    const after = await settledMemory(pid);
    await takeLap();
    figure("memory", `${mebibytes(before)} before, ${mebibytes(after)} after`);

    for (const { lost, notRising, wrongUser, open, closes } of laps) {
      expect({ lost, notRising, wrongUser, open, closes }).toEqual({
        lost: 0,
        notRising: 0,
        wrongUser: 0,
        open: CLIENTS,
        closes: [],
      });
    }
    expect(laps.reduce((sum, { frames }) => sum + frames, 0)).toBe(published);
    for (const { attempts } of stretches) expect(attempts).not.toBe(0);
    expect(after).toBeLessThan(before * MEMORY_RATIO + MEMORY_MARGIN_BYTES);
    expect(relay.isRunning).toBe(true);
    relay.signal("SIGTERM");
    expect(await relay.exited).toBe(0);
    const lines = (await relay.log).split("\n").filter((line) => line !== "");
    const levels = lines.map((line) => (JSON.parse(line) as { level: string }).level);
    expect(levels.filter((level) => level === "error" || level === "fatal")).toEqual([]);
    if (isFull) {
      await Bun.write(
        join(root, "docs/security-run.md"),
        runPage({ clients: CLIENTS, stretches, before, after }),
      );
    }
  },
  TIMEOUT_MS,
);
