import { expect, test } from "bun:test";
import { Deliverer, type History } from "../src/delivery.ts";
import { Drafter } from "../src/draft.ts";
import { TidingsError } from "../src/errors.ts";
import type { CommandWords, RedisPort } from "../src/redis-port.ts";

const MISSING = new Error("ERR Function not found");
const GONE = new Error("connect ECONNREFUSED 127.0.0.1:1");
const HISTORY = [["tidings:log", 1, "tidings:control", 1]];
const PLAIN = [["tidings:log", 0, "tidings:control", 2]];
const NOBODY = [["tidings:log", 0, "tidings:control", 0]];

/** Answers by a script: a list of replies, or an error with which the connection fails. */
class ScriptedRedis {
  readonly sent: string[] = [];
  readonly waits: number[] = [];
  now = 0;
  readonly #deliverer: Deliverer;
  #script: (readonly unknown[] | Error)[] = [];

  constructor(history: History = "auto", retryFor = 10_000) {
    const port: RedisPort = {
      send: (commands) => this.#answer(commands),
      subscribe: () => Promise.reject(GONE),
      close: () => {},
    };
    this.#deliverer = new Deliverer(
      port,
      { history, channel: "updates", retryFor },
      {
        now: () => this.now,
        random: () => 0.5,
        sleep: (milliseconds, signal) => this.#sleep(milliseconds, signal),
      },
    );
  }

  async publish(script: readonly (readonly unknown[] | Error)[], count = 1): Promise<unknown> {
    this.#script = [...script];
    const drafter = new Drafter(1_000);
    const drafts = Array.from({ length: count }, (_, id) =>
      drafter.draft({ user: "ann", type: "t", payload: id, id }),
    );
    const offsets = await this.#deliverer.deliver(drafts, new AbortController().signal);
    expect(this.#script).toEqual([]);
    return offsets;
  }

  async failure(script: readonly (readonly unknown[] | Error)[], count = 1): Promise<TidingsError> {
    const error = await this.publish(script, count).catch((reason: unknown) => reason);
    if (!(error instanceof TidingsError)) throw new Error("it did not fail", { cause: error });
    return error;
  }

  #answer(commands: readonly CommandWords[]): Promise<readonly unknown[]> {
    this.sent.push(...commands.map(([name = ""]) => name));
    const answer = this.#script.shift() ?? GONE;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }

  #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    // The deadline of a command, which no scripted answer reaches.
    if (milliseconds === 5_000) {
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve());
      });
    }
    this.waits.push(milliseconds);
    this.now += milliseconds;
    return Promise.resolve();
  }
}

test("the offset comes back, and who listens is asked once in half a minute", async () => {
  const redis = new ScriptedRedis();
  expect(await redis.publish([HISTORY, ["e.1"]])).toEqual(["e.1"]);
  expect(await redis.publish([["e.2", "e.3"]], 2)).toEqual(["e.2", "e.3"]);
  redis.now += 31_000;
  expect(await redis.publish([HISTORY, ["e.4"]])).toEqual(["e.4"]);
  expect(redis.sent).toEqual(["PUBSUB", "FCALL", "FCALL", "FCALL", "PUBSUB", "FCALL"]);
});

test("relays without history are told by plain PUBLISH, though Redis may have the functions", async () => {
  const redis = new ScriptedRedis();
  expect(await redis.publish([PLAIN, ["PONG"], [1]])).toEqual([null]);
  expect(await redis.publish([["PONG"], [1, 1]], 2)).toEqual([null, null]);
  expect(redis.sent).toEqual(["PUBSUB", "PING", "PUBLISH", "PING", "PUBLISH", "PUBLISH"]);
});

test("an update waits in the log where the functions are and no relay listens, and else for a relay", async () => {
  expect(await new ScriptedRedis().publish([NOBODY, ["e.1"]])).toEqual(["e.1"]);
  const redis = new ScriptedRedis();
  const script = [NOBODY, [MISSING], NOBODY, [MISSING], HISTORY, [MISSING], HISTORY, ["e.1"]];
  expect(await redis.publish(script)).toEqual(["e.1"]);
  expect(redis.waits).toEqual([25, 50, 100]);
  const failure = await new ScriptedRedis("auto", 0).failure([NOBODY, [MISSING]]);
  expect([failure.code, failure.updateIds]).toEqual(["unavailable", [0]]);
  expect(failure.message).toContain("no relay listens");
});

test("functions that vanish are asked for anew rather than gone around", async () => {
  const redis = new ScriptedRedis();
  await redis.publish([HISTORY, ["e.1"]]);
  expect(await redis.publish([[MISSING], HISTORY, [MISSING], HISTORY, ["f.1"]])).toEqual(["f.1"]);
  expect(redis.sent).not.toContain("PUBLISH");
});

test("where Redis does not say who listens, the answer of the function decides", async () => {
  const denied = [new Error("NOPERM this user has no permissions to run the 'pubsub' command")];
  expect(await new ScriptedRedis().publish([denied, ["e.1"]])).toEqual(["e.1"]);
  expect(await new ScriptedRedis().publish([denied, [MISSING], ["PONG"], [1]])).toEqual([null]);
  const failure = await new ScriptedRedis("auto", 0).failure([denied, [MISSING], ["PONG"], [0]]);
  expect(failure.code).toBe("unavailable");
});

test("a repeat waits a random time below a doubling bound, until the time is up", async () => {
  const redis = new ScriptedRedis(true, 3_000);
  const failure = await redis.failure([]);
  expect(failure.message).toBe(`not published within 3000 ms: ${GONE.message}`);
  expect(redis.waits).toEqual([25, 50, 100, 200, 400, 800, 1_000]);
});

test("what passes is tried again, and what does not is said", async () => {
  const loading = [new Error("LOADING Redis is loading the dataset in memory")];
  expect(await new ScriptedRedis(true).publish([loading, loading, ["e.1"]])).toEqual(["e.1"]);
  const denied = await new ScriptedRedis(true).failure([[new Error("NOPERM no permissions")]]);
  expect(denied.code).toBe("refused");
  const wrongPassword = await new ScriptedRedis(true).failure([new Error("WRONGPASS invalid password")]);
  expect(wrongPassword.code).toBe("refused");
  const large = [new Error("ERR tidings: too_large: it is"), "e.1"];
  const failure = await new ScriptedRedis(true).failure([large], 2);
  expect([failure.code, failure.fault, failure.index]).toEqual(["malformed", "too_large", 0]);
});

test("history that is insisted on is never gone around", async () => {
  const redis = new ScriptedRedis(true, 1_000);
  expect((await redis.failure(Array.from({ length: 7 }, () => [MISSING]))).code).toBe("history_off");
  expect(new Set(redis.sent)).toEqual(new Set(["FCALL"]));
});

test("a plain PUBLISH that may have arrived is not sent again", async () => {
  const redis = new ScriptedRedis(false);
  expect(await redis.publish([GONE, GONE, ["PONG"], [0]])).toEqual([null]);
  const failure = await redis.failure([["PONG"], GONE], 2);
  expect([failure.code, failure.updateIds]).toEqual(["unconfirmed", [0, 1]]);
});

test("many updates go in chunks, and those left are named", async () => {
  const positions = Array.from({ length: 600 }, (_, n) => `e.${n + 1}`);
  const chunks = [positions.slice(0, 256), positions.slice(256, 512), positions.slice(512)];
  const redis = new ScriptedRedis(true, 0);
  expect(await redis.publish(chunks, 600)).toEqual(positions);
  const failure = await redis.failure([positions.slice(0, 256)], 600);
  expect([failure.updateIds.length, failure.updateIds[0]]).toEqual([344, 256]);
});
