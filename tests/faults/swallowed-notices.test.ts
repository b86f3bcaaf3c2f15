import { expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";
import type { Violation } from "./judge/evidence.ts";
import { FAULT_TIMEOUT_MS, figure, sized } from "./support/form.ts";
import { Stage } from "./support/stage.ts";
import { SwallowingProxy, type Swallows } from "./support/swallowing-proxy.ts";
import { brief, kindsOf } from "./support/verdict.ts";

const USERS = sized(20, 100);
const RATE = sized(300, 1_000);
const UPDATES = sized(1_500, 10_000);
const NOTICES = "tidings:log";

/** Swallows one message in twenty. */
function everyTwentieth(): Swallows {
  let seen = 0;
  return () => {
    seen += 1;
    return seen % 20 === 0;
  };
}

async function play(history: boolean): Promise<readonly Violation[]> {
  await using redis = await startRedis();
  await using proxy = await SwallowingProxy.open(redis.port, history ? NOTICES : "updates", everyTwentieth());
  await using stage = await Stage.open({
    name: history ? "swallowed notices" : "control, swallowed updates",
    relays: 1,
    history,
    redis,
    patienceMs: history ? 25_000 : 3_000,
    relayOf: () => ({ redisUrl: `redis://127.0.0.1:${proxy.port}` }),
  });
  await stage.gather(USERS);
  const publisher = await stage.publisher(history ? "fcall" : "plain");
  publisher.start(RATE);
  await stage.attempted(UPDATES);
  return await stage.judged();
}

test(
  "a client gets from the log what its relay was never told of, in order",
  async () => {
    expect(brief(await play(true))).toEqual([]);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "control: without history what a relay is never told of is lost, and the judge finds it",
  async () => {
    expect(kindsOf(await play(false))).toContain("I5 lost_outside_fault");
  },
  FAULT_TIMEOUT_MS,
);

const IDLE_CHECK_MS = 60_000;

// It takes a minute of nothing: too long for the short form.
if (sized(false, true)) {
  test(
    "a loss after which nothing follows is found within a minute",
    async () => {
      let isSwallowing = false;
      let swallowed = 0;
      const swallows: Swallows = () => {
        if (isSwallowing) swallowed += 1;
        return isSwallowing;
      };
      await using redis = await startRedis();
      await using proxy = await SwallowingProxy.open(redis.port, NOTICES, swallows);
      await using stage = await Stage.open({
        name: "swallowed last notice",
        relays: 1,
        redis,
        relayOf: () => ({ redisUrl: `redis://127.0.0.1:${proxy.port}` }),
      });
      await stage.gather(USERS);
      const publisher = await stage.publisher("fcall");
      isSwallowing = true;
      const lost = await Promise.all(stage.users.map((user) => publisher.publish(user)));
      const startedAt = performance.now();
      await eventually("the proxy swallowed them", () => swallowed === lost.length);
      isSwallowing = false;
      await eventually(
        "everybody has the update of which the relay was not told",
        () =>
          stage.applications.every(({ keys, log }) =>
            lost.every(({ key, target }) => target !== log.user || keys.has(key)),
          ),
        IDLE_CHECK_MS + 15_000,
      );
      figure("found after", `${Math.round(performance.now() - startedAt)} ms`);
      expect(brief(await stage.judged())).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );
}
