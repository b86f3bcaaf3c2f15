import { expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { FAULT_TIMEOUT_MS, sized } from "./support/form.ts";
import { Stage, type StageOptions } from "./support/stage.ts";
import { brief, kindsOf } from "./support/verdict.ts";
import type { Violation } from "./judge/evidence.ts";

const USERS = sized(40, 200);
const RATE = sized(300, 1_000);
const ROUNDS = sized(1, 4);
const CALM_UPDATES = sized(400, 3_000);
const DOWN_MS = 1_000;
const HUNG_MS = sized(4_000, 10_000);

interface Case {
  readonly name: string;
  readonly stage?: Partial<StageOptions>;
  readonly make: (stage: Stage) => Promise<void>;
}

const AOF = ["--appendonly", "yes", "--appendfsync", "everysec"];

/** Small enough that a frozen relay is over it in a second or two. */
const SMALL_BUFFERS = ["--client-output-buffer-limit", "pubsub 64kb 32kb 1"];

async function killRedis(stage: Stage): Promise<void> {
  await stage.redis.kill("SIGKILL");
  await Bun.sleep(DOWN_MS * stage.random());
  await stage.redis.restart();
}

const cases: readonly Case[] = [
  {
    name: "Redis with an append-only file is killed and restarted",
    stage: { redisArgs: AOF },
    make: killRedis,
  },
  { name: "Redis without persistence is killed and restarted", make: killRedis },
  {
    name: "CLIENT KILL cuts every subscription twice",
    async make(stage) {
      await stage.cutSubscriptions();
      await Bun.sleep(60 * stage.random());
      // Whether the relays subscribed again by now is chance, so nobody counts on this one.
      await stage.redis.cli("CLIENT", "KILL", "TYPE", "pubsub");
    },
  },
  {
    name: "CLIENT KILL cuts every connection",
    make: async (stage) => void (await stage.redis.cli("CLIENT", "KILL", "TYPE", "normal")),
  },
  {
    name: `Redis hangs for ${HUNG_MS} ms`,
    async make(stage) {
      await stage.redis.kill("SIGSTOP");
      await Bun.sleep(HUNG_MS);
      await stage.redis.kill("SIGCONT");
    },
  },
  {
    name: "Redis cuts subscribers that read too slowly",
    stage: { redisArgs: SMALL_BUFFERS },
    async make(stage) {
      for (const relay of stage.relays) relay.freeze();
      const bulk = await stage.publisher("fcall", {
        textBytes: 20_000,
        name: `bulk-${stage.publishers.length}`,
      });
      bulk.start(400);
      await eventually("Redis cut the subscribers", async () => {
        return (await stage.redis.cli("CLIENT", "LIST", "TYPE", "pubsub")) === "";
      });
      await bulk.stop();
      for (const relay of stage.relays) relay.thaw();
    },
  },
  {
    name: "FLUSHALL empties Redis",
    make: async (stage) => void (await stage.redis.cli("FLUSHALL")),
  },
];

async function play({ name, make, stage: options }: Case, history = true): Promise<readonly Violation[]> {
  await using stage = await Stage.open({ name: history ? name : `${name}, no history`, history, ...options });
  await stage.gather(USERS);
  const publishers = history
    ? [await stage.publisher("fcall"), await stage.publisher("http")]
    : [await stage.publisher("plain")];
  for (const publisher of publishers) publisher.start(RATE / publishers.length);
  for (let round = 0; round < ROUNDS; round += 1) {
    await stage.attempted(CALM_UPDATES * (0.5 + stage.random()));
    await stage.fault({ name: `${name}, ${round}`, mayLose: true }, () => make(stage));
  }
  await stage.attempted(CALM_UPDATES);
  return await stage.judged({ counted: stage.relays });
}

for (const each of cases) {
  test(
    `nothing acknowledged is lost without a word when ${each.name}`,
    async () => {
      expect(brief(await play(each))).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );
}

test(
  "without history a cut subscription loses updates only while it is cut, and is counted",
  async () => {
    const cut = cases[2];
    if (cut === undefined) throw new Error("unreachable");
    expect(brief(await play(cut, false))).toEqual([]);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "control: what the same cut loses without history would be a violation with it",
  async () => {
    await using stage = await Stage.open({ name: "control, no history", history: false, patienceMs: 3_000 });
    await stage.gather(USERS);
    const publisher = await stage.publisher("plain");
    publisher.start(RATE);
    await stage.attempted(CALM_UPDATES);
    // A window in which nothing may be lost: the judge must not be blind to what the fault takes.
    await stage.fault({ name: "Redis is killed, and nothing forgiven" }, async () => {
      for (const relay of stage.relays) relay.freeze();
      await stage.redis.cli("CLIENT", "KILL", "TYPE", "pubsub");
      await stage.attempted(CALM_UPDATES);
      for (const relay of stage.relays) relay.thaw();
    });
    await stage.attempted(CALM_UPDATES);
    expect(kindsOf(await stage.judged())).toContain("I5 lost_outside_fault");
  },
  FAULT_TIMEOUT_MS,
);
