import { expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../../../../tests/support/eventually.ts";
import { type RedisServer, startRedis } from "../../../../tests/support/redis-server.ts";
import type { Finding } from "./doctor-finding.ts";
import { type Environment, runCli, startCli } from "./test-support.ts";

setDefaultTimeout(60_000);

const environment = (redis: RedisServer, more: Environment = {}): Environment => ({
  TIDINGS_JWT_SECRET: "a-secret-that-is-long-enough-for-hs256",
  TIDINGS_REDIS_URL: redis.url,
  TIDINGS_PORT: "0",
  TIDINGS_HISTORY: "true",
  ...more,
});

/** What the doctor says of history, by what it looked at. */
async function examine(given: Environment): Promise<{
  readonly status: number;
  readonly of: (check: string) => Finding | undefined;
}> {
  const { status, out } = await runCli(["doctor", "--json"], given);
  const { findings } = JSON.parse(out) as { readonly findings: readonly Finding[] };
  return { status, of: (check) => findings.find((finding) => finding.check === check) };
}

/** Loads what a shell would: `tidings library | redis-cli -x FUNCTION LOAD REPLACE`. */
async function loadLibrary(redis: RedisServer, given: Environment = {}): Promise<void> {
  const { status, out } = await runCli(["library"], given);
  expect(status).toBe(0);
  await redis.cli("FUNCTION", "LOAD", "REPLACE", out);
}

test("the library that is printed is the one that a relay with these settings wants", async () => {
  await using redis = await startRedis();
  expect((await examine(environment(redis))).of("history library")).toMatchObject({
    level: "ok",
    says: "it is not loaded; a relay loads it when it starts",
  });
  await loadLibrary(redis);
  const update = '{"target_user_id":"ann","type":"t","payload":1}';
  expect(await redis.cli("FCALL", "tidings_publish", "1", "tidings:{ann}:log", update)).toMatch(/\.1$/);
  const loaded = await examine(environment(redis));
  expect(loaded.of("history library")?.says).toMatch(/^version \d+ is loaded, with these bounds$/);
  expect(loaded.status).toBe(0);
  const other = await examine(environment(redis, { TIDINGS_HISTORY_SIZE: "7" }));
  expect(other.of("history library")?.says).toContain(
    "it has other bounds than these settings: TIDINGS_HISTORY_SIZE 1000 → 7;",
  );
  await loadLibrary(redis, { TIDINGS_HISTORY_SIZE: "7" });
  const mended = await examine(environment(redis, { TIDINGS_HISTORY_SIZE: "7" }));
  expect(mended.of("history library")?.says).toContain("with these bounds");
});

test("each right that history lacks is named, with the line that grants them all", async () => {
  await using redis = await startRedis();
  const plain = ["+subscribe", "+publish", "+multi", "+exec", "+pubsub|numsub", "+acl|whoami", "+acl|dryrun"];
  const channels = [
    "resetchannels",
    "&updates",
    "&inbound",
    "&tidings:control",
    "&tidings:reply:*",
    "&tidings:probe:*",
  ];
  await redis.cli("acl", "setuser", "relay", "on", ">pw", "-@all", ...plain, ...channels);
  const given = environment(redis, { TIDINGS_REDIS_URL: redis.url.replace("//", "//relay:pw@") });
  const { status, of } = await examine(given);
  expect(status).toBe(1);
  const finding = of("redis permissions");
  for (const right of ["PUBLISH tidings:log", "SUBSCRIBE tidings:ingest", "FCALL on tidings:{doctor}:log"]) {
    expect(finding?.says).toContain(right);
  }
  for (const right of ["TIME", "INFO", "XADD on tidings:{doctor}:log", "GET on tidings:lineage"]) {
    expect(finding?.says).toContain(right);
  }
  expect(of("history library")?.level).toBe("fail");
  await redis.cli(...(finding?.mend ?? "").replaceAll("'", "").split(" ").slice(1));
  const mended = await examine(given);
  expect([mended.status, mended.of("redis permissions")?.level]).toEqual([0, "ok"]);
});

test("a user who may not load the library is told how somebody else does", async () => {
  await using redis = await startRedis();
  await redis.cli("acl", "setuser", "relay", "on", ">pw", "~*", "&*", "+@all", "-function|load");
  const given = environment(redis, { TIDINGS_REDIS_URL: redis.url.replace("//", "//relay:pw@") });
  const { status, of } = await examine(given);
  expect([status, of("history library")?.level]).toEqual([1, "fail"]);
  expect(of("history library")?.mend).toContain("tidings library | redis-cli -x FUNCTION LOAD REPLACE");
  await loadLibrary(redis);
  expect((await examine(given)).status).toBe(0);
});

test("a Redis that evicts is a fault, one that would forget a warning, and one that keeps all is fine", async () => {
  await using redis = await startRedis();
  await redis.cli("config", "set", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru");
  const bad = await examine(environment(redis));
  expect(bad.status).toBe(1);
  expect(bad.of("history memory")).toMatchObject({
    level: "fail",
    says: expect.stringContaining("allkeys-lru"),
  });
  expect(bad.of("history persistence")).toMatchObject({ level: "warn", mend: expect.any(String) });
  await redis.cli("config", "set", "maxmemory-policy", "noeviction");
  await redis.cli("config", "set", "appendonly", "yes", "appendfsync", "no");
  const careless = await examine(environment(redis));
  expect([careless.status, careless.of("history memory")?.level]).toEqual([0, "ok"]);
  expect(careless.of("history persistence")?.says).toContain("appendfsync is no");
  await redis.cli("config", "set", "appendfsync", "everysec");
  const good = await examine(environment(redis));
  expect(good.of("history persistence")).toMatchObject({
    level: "ok",
    says: expect.stringContaining("everysec"),
  });
});

test("replicas that no write waits for are pointed out", async () => {
  await using redis = await startRedis();
  await using _replica = await startRedis({ args: ["--replicaof", "127.0.0.1", String(redis.port)] });
  await eventually("the replica is there", async () =>
    (await redis.cli("info", "replication")).includes("connected_slaves:1"),
  );
  const careless = await examine(environment(redis));
  expect(careless.of("history replicas")).toMatchObject({
    level: "warn",
    says: expect.stringContaining("1 connected"),
  });
  await redis.cli("config", "set", "min-replicas-to-write", "1");
  expect((await examine(environment(redis))).of("history replicas")?.level).toBe("ok");
});

test("a relay with history says at its start what makes Redis lose it, and starts all the same", async () => {
  await using redis = await startRedis();
  await redis.cli("config", "set", "maxmemory", "100mb", "maxmemory-policy", "volatile-ttl");
  await using relay = startCli(["serve"], environment(redis));
  await relay.printed(/"level":"warn".*appendonly is off/);
  await relay.printed(/maxmemory-policy volatile-ttl/);
  await relay.printed(/updates arrive/);
});

test("relays that run and do not agree on history are pointed out: on or off, bounds, and whose logs they are", async () => {
  await using redis = await startRedis();
  await using one = startCli(["serve"], environment(redis));
  await one.printed(/updates arrive/);
  expect((await examine(environment(redis))).of("history relays")).toMatchObject({
    level: "ok",
    says: "all 1 that run have history",
  });
  await using two = startCli(["serve"], environment(redis, { TIDINGS_HISTORY: "false" }));
  await two.printed(/updates arrive/);
  const { status, of } = await examine(
    environment(redis, { TIDINGS_HISTORY_TTL: "2h", TIDINGS_CHANNEL: "stage" }),
  );
  expect(status).toBe(0);
  expect(of("history relays")).toMatchObject({
    level: "warn",
    says: expect.stringContaining("1 of 2 that run have no history"),
  });
  expect(of("history library")).toMatchObject({
    level: "warn",
    says: "relays run whose bounds differ: TIDINGS_HISTORY_TTL 3600000 → 7200000",
  });
  expect(of("history sharing")).toMatchObject({
    level: "warn",
    says: expect.stringContaining("(tidings:ingest)"),
  });
});

test("the doctor looks at the database that the URL names", async () => {
  await using redis = await startRedis();
  await using relay = startCli(["serve"], environment(redis, { TIDINGS_REDIS_URL: `${redis.url}/3` }));
  await relay.printed(/updates arrive/);
  const elsewhere = environment(redis, { TIDINGS_CHANNEL: "stage" });
  expect((await examine(elsewhere)).of("history sharing")).toBeUndefined();
  const there = { ...elsewhere, TIDINGS_REDIS_URL: `${redis.url}/3` };
  expect((await examine(there)).of("history sharing")?.level).toBe("warn");
});

test("without history nothing is said of it", async () => {
  await using redis = await startRedis();
  const { of } = await examine(environment(redis, { TIDINGS_HISTORY: "false" }));
  expect([of("history library"), of("history memory"), of("history persistence")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
