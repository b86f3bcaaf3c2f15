import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startRedis } from "../support/redis-server.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";
import { answerOf, api, API_KEY, guarded, nowSeconds } from "./auth-support.ts";

describe("POST /v1/revocations", () => {
  let relay: TestRelay;

  beforeAll(async () => {
    relay = await startTestRelay({ broker: "embedded", settings: guarded });
  });

  afterAll(() => relay[Symbol.asyncDispose]());

  test("says what it keeps and until when: as asked, or for the time that the settings say", async () => {
    await using relay = await startTestRelay({ settings: { ...guarded, revocation_ttl: 7_200_000 } });
    const expires = nowSeconds() + 60;
    const asked = await api(relay, "POST", "/v1/revocations", { jti: "t1", expires_at: expires });
    expect(asked.status).toBe(201);
    expect(await asked.json()).toEqual({ jti: "t1", expires_at: expires, closed: 0, relays: 1 });
    const usual = (await (await api(relay, "POST", "/v1/revocations", { user_id: "ann" })).json()) as {
      expires_at: number;
    };
    expect(Math.abs(usual.expires_at - nowSeconds() - 7_200)).toBeLessThan(60);
    const ends = await relay.redis.cli("ZRANGE", "tidings:revocations", "0", "-1", "WITHSCORES");
    expect(ends.split("\n").slice(0, 2)).toEqual(['{"jti":"t1"}', String((expires + 60) * 1_000)]);
    expect(Number(await relay.redis.cli("PTTL", "tidings:revocations"))).toBeGreaterThan(7_200_000);
  });

  const bad: readonly (readonly [string, string])[] = [
    ["no JSON", "user_id=ann"],
    ["nothing", ""],
    ["null", "null"],
    ["a list", '[{"user_id":"ann"}]'],
    ["an empty object", "{}"],
    ["only an end", '{"expires_at":9999999999}'],
    ["a misspelt field", '{"userid":"ann"}'],
    ["a field of the prototype", '{"user_id":"ann","__proto__":{}}'],
    ["everyone as a user", '{"user_id":"*"}'],
    ["half a surrogate pair", '{"user_id":"\\ud800"}'],
    ["milliseconds for seconds", `{"issued_before":${Date.now()}}`],
    ["an end that has passed", '{"user_id":"ann","expires_at":1}'],
    ["an end in milliseconds", `{"user_id":"ann","expires_at":${Date.now() + 60_000}}`],
    ["an end that is a text", '{"user_id":"ann","expires_at":"tomorrow"}'],
    ["a body that is too long", `{"user_id":"${"x".repeat(9_000)}"}`],
  ];

  test.each(bad)("refuses %s with 400, and revokes nothing", async (_, body) => {
    expect(await answerOf(await api(relay, "POST", "/v1/revocations", body))).toBe("400 bad_revocation");
    expect(await relay.metric("tidings_revocations")).toBe(0);
  });

  test("takes the API key alone: no other, none, and none where the relay has none", async () => {
    for (const headers of [{}, { authorization: "Bearer wrong" }, { authorization: API_KEY }] as const) {
      for (const method of ["GET", "POST", "DELETE"]) {
        const answer = await relay.http("/v1/revocations?user_id=ann", { method, headers });
        expect(await answerOf(answer)).toBe("401 api_key_refused");
      }
    }
    await using keyless = await startTestRelay({ broker: "embedded" });
    expect(await answerOf(await api(keyless, "POST", "/v1/revocations", { user_id: "ann" }))).toBe(
      "403 api_off",
    );
  });

  test("says 503 and keeps it where a relay does not answer", async () => {
    await using redis = await startRedis();
    await using relay = await startTestRelay({ redis, settings: guarded });
    const mute = Bun.spawn(["redis-cli", "-p", String(redis.port), "SUBSCRIBE", "tidings:control"], {
      stdin: "ignore",
      stdout: "pipe",
    });
    await mute.stdout.getReader().read();
    const answer = await api(relay, "POST", "/v1/revocations", { user_id: "ann" });
    mute.kill();
    await mute.exited;
    expect(await answerOf(answer)).toBe("503 fleet_incomplete");
    expect(await redis.cli("ZRANGE", "tidings:revocations", "0", "-1")).toBe('{"user_id":"ann"}');
  });

  test("says why where Redis takes no writes, and revokes nothing", async () => {
    await using redis = await startRedis();
    await using relay = await startTestRelay({ redis, settings: guarded });
    await redis.cli("CONFIG", "SET", "maxmemory", "1");
    const answer = await api(relay, "POST", "/v1/revocations", { user_id: "ann" });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining("Nothing was changed") });
    expect(await relay.metric("tidings_revocations")).toBe(0);
  });
});

test("GET /v1/revocations lists those in force, and DELETE lifts exactly the one that it names", async () => {
  await using relay = await startTestRelay({ settings: guarded });
  const expires_at = nowSeconds() + 60;
  const all = [{ user_id: "a&b ü" }, { user_id: "a&b ü", issued_before: 1.5 }, { jti: "t1" }];
  for (const one of all) await api(relay, "POST", "/v1/revocations", { ...one, expires_at });
  const list = async (): Promise<unknown> => (await api(relay, "GET", "/v1/revocations")).json();
  expect(await list()).toEqual({ total: 3, revocations: all.map((one) => ({ ...one, expires_at })) });
  const user = encodeURIComponent("a&b ü");
  const lifted = await api(relay, "DELETE", `/v1/revocations?user_id=${user}&issued_before=1.5`);
  expect([lifted.status, await lifted.json()]).toEqual([
    200,
    { user_id: "a&b ü", issued_before: 1.5, relays: 1 },
  ]);
  expect(await list()).toMatchObject({ total: 2 });
  for (const [query, answer] of [
    ["user_id=nobody", "404 not_revoked"],
    ["jti=t2", "404 not_revoked"],
    ["", "400 bad_revocation"],
    ["jti=t1&jti=t1", "400 bad_revocation"],
    ["issued_before=", "400 bad_revocation"],
    ["issued_before=soon", "400 bad_revocation"],
    ["expires_at=1", "400 bad_revocation"],
  ]) {
    expect(await answerOf(await api(relay, "DELETE", `/v1/revocations?${query}`))).toBe(answer ?? "");
  }
  expect(await list()).toMatchObject({ total: 2 });
});

test("control messages that are no revocations change nothing", async () => {
  await using relay = await startTestRelay({ settings: guarded });
  const ends = Date.now() + 60_000;
  const question = { verb: "revoke", request: "1", reply_to: "tidings:reply:x" };
  for (const marks of [
    undefined,
    "all",
    [["{}", ends]],
    [['{"user_id":"*"}', ends]],
    [[7, ends]],
    [['{"jti":"t"}', "soon"]],
  ]) {
    await relay.publishRaw(JSON.stringify({ ...question, marks }), "tidings:control");
  }
  await relay.publishRaw(JSON.stringify({ ...question, marks: [['{"jti":"t1"}', ends]] }), "tidings:control");
  const list = async (): Promise<unknown> => (await api(relay, "GET", "/v1/revocations")).json();
  expect(await list()).toMatchObject({ total: 1, revocations: [{ jti: "t1" }] });
});
