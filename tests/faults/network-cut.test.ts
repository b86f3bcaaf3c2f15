import { expect, test } from "bun:test";
import { FAULT_TIMEOUT_MS, sized } from "./support/form.ts";
import { SeparateNetwork } from "./support/separate-network.ts";
import { Stage } from "./support/stage.ts";
import { brief } from "./support/verdict.ts";

const USERS = sized(40, 200);
const RATE = sized(300, 1_000);
const CUT_MS = sized([3_000], [500, 3_000, 10_000]);
const CALM_UPDATES = sized(400, 3_000);

const obstacle = SeparateNetwork.obstacle();
const mustRun = process.env["CI"] === "true";
if (obstacle !== null) console.error(`The network between relay and Redis cannot be cut here: ${obstacle}.`);

test.skipIf(obstacle !== null && !mustRun)(
  "nothing acknowledged is lost without a word when packets between a relay and Redis vanish",
  async () => {
    await using network = await SeparateNetwork.create();
    const { inside, outside, prefix } = network;
    await using stage = await Stage.open({
      name: "network cut",
      redisArgs: ["--bind", "127.0.0.1", outside, "--protected-mode", "no"],
      relayOf: (index, redis) =>
        index === 0 ? { host: inside, prefix, redisUrl: `redis://${outside}:${redis.port}` } : {},
    });
    await stage.gather(USERS);
    const publisher = await stage.publisher("fcall");
    publisher.start(RATE);
    for (const milliseconds of CUT_MS) {
      await stage.attempted(CALM_UPDATES);
      await stage.fault({ name: `cut for ${milliseconds} ms` }, async () => {
        await network.cut(stage.redis.port);
        await Bun.sleep(milliseconds);
        await network.mend();
      });
    }
    await stage.attempted(CALM_UPDATES);
    expect(brief(await stage.judged({ counted: stage.relays }))).toEqual([]);
  },
  FAULT_TIMEOUT_MS,
);
