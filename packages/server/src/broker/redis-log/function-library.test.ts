import { describe, expect, test } from "bun:test";
import { eventually } from "../../../../../tests/support/eventually.ts";
import { type RedisServer, startRedis } from "../../../../../tests/support/redis-server.ts";
import { ALL, append, draft, position, WIDE } from "../log-contract/under-test.ts";
import type { RedisBroker } from "../redis.ts";
import { librarySource } from "./function-library.ts";
import { logKey } from "./redis-log.ts";
import { brokerOn, publish, startLog } from "./redis-log-test-support.ts";
import { RedisShell } from "./redis-shell.ts";

/** What a worker needs to publish. */
const WORKER = "fcall time info xadd xrevrange xrange xtrim pexpire del hset hmget get set publish".split(
  " ",
);
/** What a relay needs for the log. */
const COMMANDS = [...WORKER, "pttl"];
/** And what it needs beside it. */
const RELAY = ["subscribe", "multi", "exec", "function|load"];
const CHANNELS = ["&updates", "&tidings:probe:*", "&tidings:log"];

describe("the function library", () => {
  test("is loaded where it is missing, and left alone where it is there", async () => {
    await using it = await startLog();
    await using second = watch(it.redis);
    await second.healthy();
    expect(await it.redis.cli("INFO", "commandstats")).toContain("cmdstat_function|load:calls=1,");
    expect(await it.redis.cli("FUNCTION", "LIST")).toContain("tidings_publish");
  });

  test("is replaced where its bounds differ", async () => {
    await using it = await startLog({ updates: 5 });
    await using second = watch(it.redis, 2);
    await second.healthy();
    for (let n = 0; n < 9; n++) await publish(it.shell, "ann");
    expect((await it.log.read("ann", "earliest", ALL)).entries.length).toBe(2);
  });

  test("stays where it is of a newer version", async () => {
    await using redis = await startRedis();
    await using shell = await RedisShell.open(redis.url);
    const newer = librarySource(WIDE).replace(/VERSION = '\d+ [^']+'/, "VERSION = '1000 newer'");
    await shell.run("FUNCTION", "LOAD", newer);
    await using it = watch(redis);
    await it.healthy();
    expect(await shell.run("FCALL", "tidings_version", "0")).toBe("1000 newer");
  });

  test("is loaded again after somebody flushed the functions", async () => {
    await using it = await startLog();
    const before = await append(it.log, draft("ann", "1"));
    await it.shell.run("FUNCTION", "FLUSH");
    await eventually("the log answers again", async () => {
      return (await position(it.log, "ann").catch(() => null))?.epoch === before.epoch;
    });
  });

  test("keeps an operator from nothing: what it prints can be loaded by hand, and is then not loaded again", async () => {
    await using redis = await startRedis();
    await using shell = await RedisShell.open(redis.url);
    await shell.run("FUNCTION", "LOAD", "REPLACE", librarySource(WIDE));
    await user(shell, [...COMMANDS, ...RELAY.filter((right) => right !== "function|load")]);
    await using it = watch(redis, 1_000, "relay:p@");
    await it.healthy();
  });
});

describe("a Redis that cannot hold the log", () => {
  test("is one without functions, which is said to be too old", async () => {
    await using redis = await startRedis({ args: ["--rename-command", "FCALL", ""] });
    await using it = watch(redis);
    await it.says(
      "history needs Redis 7 or Valkey 7.2, and this server is older or forbids FCALL: upgrade it",
    );
  });

  test("is one whose user lacks any of the rights, and the right is named", async () => {
    await using redis = await startRedis();
    await using shell = await RedisShell.open(redis.url);
    await user(shell, [...COMMANDS, ...RELAY]);
    await using it = watch(redis, 1_000, "relay:p@");
    await it.healthy();
    await append(it.log, draft("ann", "1", { id: "1", seq: 1 }));
    for (const right of COMMANDS) {
      if (right === "publish") continue;
      await user(
        shell,
        [...COMMANDS, ...RELAY].filter((other) => other !== right),
      );
      await using poor = watch(redis, 1_000, "relay:p@");
      await poor.says(`history needs a permission that the Redis user lacks: ${right.toUpperCase()}`);
    }
    await user(shell, [...COMMANDS, ...RELAY], CHANNELS.slice(0, 2));
    await using mute = watch(redis, 1_000, "relay:p@");
    await mute.says("lacks: PUBLISH on tidings:log (NOPERM)");
  }, 30_000);

  test("is one whose user may not load functions, where none are loaded or with other bounds", async () => {
    await using redis = await startRedis();
    await using shell = await RedisShell.open(redis.url);
    await user(
      shell,
      [...COMMANDS, ...RELAY].filter((right) => right !== "function|load"),
    );
    await using it = watch(redis, 1_000, "relay:p@");
    await it.says(
      "the function library is not in Redis, and the Redis user may not load it: grant +function|load",
    );
    await shell.run("FUNCTION", "LOAD", librarySource({ ...WIDE, updates: 7 }));
    await it.says(
      "the function library in Redis is older or has other history settings, and the Redis user may not",
    );
  });

  test("is one in which another library has functions of these names", async () => {
    await using redis = await startRedis();
    await using shell = await RedisShell.open(redis.url);
    const other = "#!lua name=other\nredis.register_function('tidings_read', function() return 1 end)";
    await shell.run("FUNCTION", "LOAD", other);
    await using it = watch(redis);
    await it.says("another function library in Redis has a function tidings_read: delete or rename it");
  });
});

describe("history off", () => {
  test("asks and keeps nothing", async () => {
    await using redis = await startRedis();
    await using it = watch(redis, null);
    await it.healthy();
    expect(it.broker.log).toBeNull();
    expect(await redis.cli("INFO", "commandstats")).not.toMatch(/cmdstat_(fcall|function|select)/);
    expect(await redis.cli("DBSIZE")).toBe("0");
  });
});

describe("the database of the URL", () => {
  test("is where the logs are", async () => {
    await using redis = await startRedis();
    await using it = watch(redis, 1_000, "", "/3");
    await it.healthy();
    await append(it.log, draft("ann", "1"));
    expect(await redis.cli("-n", "3", "EXISTS", logKey("ann"))).toBe("1");
    expect(await redis.cli("DBSIZE")).toBe("0");
  });

  test("is named as the fault where Redis does not have it", async () => {
    await using redis = await startRedis();
    await using it = watch(redis, 1_000, "", "/99");
    await it.says("Redis does not have the database that the URL names");
  });
});

test("a worker that may do no more than the functions do publishes", async () => {
  await using it = await startLog();
  await user(it.shell, WORKER, ["&tidings:log"]);
  await using worker = await RedisShell.open(it.redis.url.replace("//", "//relay:p@"));
  for (let n = 1; n <= 20; n++) expect((await publish(worker, "ann", `,"id":${n},"seq":${n}`)).n).toBe(n);
});

interface Watched extends AsyncDisposable {
  readonly broker: RedisBroker;
  readonly log: NonNullable<RedisBroker["log"]>;
  healthy(): Promise<void>;
  /** Waits for a reason of bad health that holds this. */
  says(reason: string): Promise<void>;
}

/** A broker whose logs hold so many updates, or null for history off. */
function watch(redis: RedisServer, updates: number | null = 1_000, login = "", path = ""): Watched {
  const url = `${redis.url.replace("//", `//${login}`)}${path}`;
  const broker = brokerOn(url, { history: updates === null ? null : { ...WIDE, updates } });
  return {
    broker,
    get log() {
      if (broker.log === null) throw new Error("history is off");
      return broker.log;
    },
    healthy: () => eventually("the broker is healthy", () => broker.health.ok),
    async says(reason) {
      let last = "";
      try {
        await eventually(reason, () => {
          last = broker.health.ok ? "" : broker.health.reason;
          return last.includes(reason);
        });
      } catch {
        throw new Error(`it says "${last}" and not "${reason}"`);
      }
    },
    [Symbol.asyncDispose]: () => broker.close(),
  };
}

/** Gives the user `relay` these rights and no others. */
async function user(shell: RedisShell, rights: readonly string[], channels = CHANNELS): Promise<void> {
  const commands = rights.map((right) => `+${right}`);
  await shell.run(
    "ACL",
    "SETUSER",
    "relay",
    "reset",
    "on",
    ">p",
    "~tidings:*",
    "resetchannels",
    ...channels,
    ...commands,
  );
}
