import { expect, setDefaultTimeout, test } from "bun:test";
import { freePort, startRedis } from "../../../../tests/support/redis-server.ts";
import type { Finding } from "./doctor-finding.ts";
import { type Environment, runCli, startCli } from "./test-support.ts";

setDefaultTimeout(60_000);

const secret = { TIDINGS_JWT_SECRET: "a-secret-that-is-long-enough-for-hs256" };

async function examine(
  environment: Environment,
): Promise<{ status: number; findings: readonly Finding[]; out: string }> {
  const { status, out } = await runCli(["doctor", "--json"], environment);
  const { ok, findings } = JSON.parse(out) as { readonly ok: boolean; readonly findings: readonly Finding[] };
  expect(ok).toBe(status === 0);
  return { status, findings, out };
}

function levels(findings: readonly Finding[]): Readonly<Record<string, string>> {
  return Object.fromEntries(findings.map(({ check, level }) => [check, level]));
}

test("all is well with a plain Redis, a secret and a free port", async () => {
  await using redis = await startRedis();
  const { status, findings } = await examine({ ...secret, TIDINGS_REDIS_URL: redis.url, TIDINGS_PORT: "0" });
  expect(status).toBe(0);
  expect(findings.filter(({ level }) => level === "fail")).toEqual([]);
  expect(levels(findings)).toMatchObject({
    redis: "ok",
    "redis version": "ok",
    "redis permissions": "ok",
    echo: "ok",
  });
});

test("a Redis that is away, a missing key and a taken port each fail with a mend", async () => {
  await using redis = await startRedis();
  const gone = await freePort();
  const { status, findings, out } = await examine({
    TIDINGS_REDIS_URL: `redis://u:geheim@127.0.0.1:${gone}`,
    TIDINGS_HOST: "127.0.0.1",
    TIDINGS_PORT: String(redis.port),
  });
  expect(status).toBe(1);
  expect(levels(findings)).toMatchObject({ access: "fail", redis: "fail", port: "fail" });
  for (const { level, mend } of findings) if (level !== "ok") expect(mend).toBeString();
  expect(out).not.toContain("geheim");
});

test("missing permissions are named with the line that grants them", async () => {
  await using redis = await startRedis();
  await redis.cli(
    "acl",
    "setuser",
    "relay",
    "on",
    ">pw",
    "+@all",
    "resetchannels",
    "&updates",
    "&tidings:*",
    "~tidings:*",
  );
  const { status, findings } = await examine({
    ...secret,
    TIDINGS_REDIS_URL: redis.url.replace("//", "//relay:pw@"),
    TIDINGS_PORT: "0",
  });
  expect(status).toBe(1);
  const finding = findings.find(({ check }) => check === "redis permissions");
  expect(finding?.says).toBe("not permitted: SUBSCRIBE inbound, PUBLISH inbound");
  expect(finding?.mend).toContain("ACL SETUSER relay");

  await redis.cli(...(finding?.mend ?? "").replaceAll("'", "").split(" ").slice(1));
  const mended = await examine({
    ...secret,
    TIDINGS_REDIS_URL: redis.url.replace("//", "//relay:pw@"),
    TIDINGS_PORT: "0",
  });
  expect(mended.status).toBe(0);
});

test("a user that may do only what a relay needs passes", async () => {
  await using redis = await startRedis();
  const grants = [
    "+subscribe",
    "+publish",
    "+multi",
    "+exec",
    "+pubsub|numsub",
    "~tidings:revocations",
    "+zscan",
    "+zadd",
    "+zremrangebyscore",
    "+zremrangebyrank",
    "+pexpire",
    "&updates",
    "&inbound",
    "&tidings:*",
  ];
  await redis.cli("acl", "setuser", "relay", "on", ">pw", "resetchannels", "-@all", ...grants);
  const { status, findings } = await examine({
    ...secret,
    TIDINGS_REDIS_URL: redis.url.replace("//", "//relay:pw@"),
    TIDINGS_PORT: "0",
  });
  expect(status).toBe(0);
  expect(levels(findings)).toMatchObject({ "redis version": "warn", "redis permissions": "ok", echo: "ok" });
});

test("a port that a relay serves already is no fault", async () => {
  await using redis = await startRedis();
  const port = String(await freePort());
  const environment = { ...secret, TIDINGS_REDIS_URL: redis.url, TIDINGS_PORT: port };
  await using relay = startCli(["serve", "--drain-window", "0s"], environment);
  await relay.printed(/updates arrive/);
  const { status, findings } = await examine(environment);
  expect(status).toBe(0);
  expect(findings.find(({ check }) => check === "port")?.says).toContain("is served by a relay already");
});
