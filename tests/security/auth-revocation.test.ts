import { describe, expect, test } from "bun:test";
import { pino } from "pino";
import { defaultSettings } from "../../packages/server/src/config/load.ts";
import { startRelay } from "../../packages/server/src/relay.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";
import { TestClient } from "../support/test-client.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";
import { TestStream } from "../support/test-stream.ts";
import { answerOf, api, guarded, nowSeconds, plainAnswer, tidingsClient, tokenOf } from "./auth-support.ts";

/** How long a revocation may take to reach every relay, in milliseconds. */
const WITHIN_MS = 1_000;

interface Revoked {
  readonly closed: number;
  readonly relays: number;
  readonly expires_at: number;
}

async function revoke(relay: TestRelay, body: unknown): Promise<Revoked> {
  const response = await api(relay, "POST", "/v1/revocations", body);
  expect(response.status).toBe(201);
  return (await response.json()) as Revoked;
}

/** A plain client, a Tidings client and a stream of one token on one relay. */
class Trio {
  readonly token: string;
  readonly plain: TestClient;
  readonly tidings: TestClient;
  readonly stream: TestStream;

  constructor(token: string, plain: TestClient, tidings: TestClient, stream: TestStream) {
    this.token = token;
    this.plain = plain;
    this.tidings = tidings;
    this.stream = stream;
  }

  static async open(relay: TestRelay, token: string): Promise<Trio> {
    const before = relay.relay.hub.connections;
    const headers = { authorization: `Bearer ${token}` };
    const plain = await TestClient.open({ url: `${relay.url}/ws`, headers });
    const stream = await TestStream.open(`${relay.url}/v1/stream`, headers);
    const tidings = await tidingsClient(relay, token);
    await tidings.frame("tidings.welcome");
    await eventually("all are registered", () => relay.relay.hub.connections === before + 3);
    return new Trio(token, plain, tidings, stream);
  }

  get isOpen(): boolean {
    return this.plain.closeEvent === null && this.tidings.closeEvent === null && !this.stream.isEnded;
  }

  /** That all three are told so and end. */
  async revoked(): Promise<void> {
    const end = { code: 4403, reason: "the token was revoked" };
    await eventually("all are closed", () => !this.isOpen, WITHIN_MS);
    expect(await this.plain.closed()).toEqual(end);
    expect(await this.tidings.closed()).toEqual(end);
    await this.stream.ended();
    const closing = { payload: { ...end, come_back: "never" } };
    expect(await this.tidings.frame("tidings.closing")).toMatchObject(closing);
    expect(await this.stream.frame("tidings.closing")).toMatchObject(closing);
  }
}

/** That a token is refused by a relay, however it comes. */
async function expectRefused(relay: TestRelay, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  expect(await plainAnswer(relay, headers)).toBe("401 token_revoked");
  expect(await answerOf(await relay.http("/v1/stream", { headers }))).toBe("401 token_revoked");
  const client = await tidingsClient(relay, token);
  expect(await client.closed()).toMatchObject({ code: 4403 });
  expect(client.frames).toMatchObject([
    { type: "tidings.error", payload: { code: "token_revoked", message: "the token was revoked" } },
    { type: "tidings.closing", payload: { code: 4403, come_back: "never" } },
  ]);
}

describe("a revocation", () => {
  const kinds = [
    ["by user", () => ({ user_id: "ann" })],
    ["by token id", () => ({ jti: "ann-1" })],
    ["by time of issue, of one user", () => ({ user_id: "ann", issued_before: nowSeconds() - 60 })],
    ["by time of issue, of every user", () => ({ issued_before: nowSeconds() - 60 })],
  ] as const;

  test.each(kinds)(
    "%s closes its connections on every relay, and no other, and refuses the token there",
    async (_, body) => {
      await using redis = await startRedis();
      await using one = await startTestRelay({ redis, settings: guarded });
      await using two = await startTestRelay({ redis, settings: guarded });
      const old = { jti: "ann-1", iat: nowSeconds() - 60 };
      const [here, there, others] = [
        await Trio.open(one, await tokenOf("ann", old)),
        await Trio.open(two, await tokenOf("ann", old)),
        await Trio.open(two, await tokenOf("bob", { jti: "bob-1" })),
      ];
      const answer = await revoke(one, body());
      expect(answer).toMatchObject({ closed: 6, relays: 2 });
      await Promise.all([here.revoked(), there.revoked()]);
      await expectRefused(one, here.token);
      await expectRefused(two, here.token);
      expect(others.isOpen).toBe(true);
      expect(await two.metric('tidings_handshakes_total{result="token_revoked"}')).toBe(3);
      expect(await two.metric("tidings_revocations")).toBe(1);
    },
    30_000,
  );

  test("by user refuses tokens made later too; by time of issue it does not", async () => {
    await using relay = await startTestRelay({ settings: guarded });
    await revoke(relay, { user_id: "ann", issued_before: nowSeconds() - 1 });
    await expectRefused(relay, await tokenOf("ann", { iat: nowSeconds() - 1 }));
    await expectRefused(relay, await tokenOf("ann", { iat: undefined }));
    const later = await tidingsClient(relay, await tokenOf("ann"));
    await later.frame("tidings.welcome");
    await revoke(relay, { user_id: "ann" });
    expect((await later.closed()).code).toBe(4403);
    await expectRefused(relay, await tokenOf("ann"));
  });

  test("of a token that was sent anew on the open socket closes it with 4403; of the one before it does not", async () => {
    await using relay = await startTestRelay({ settings: guarded });
    const client = await tidingsClient(relay, await tokenOf("ann", { jti: "first" }));
    client.send({
      type: "tidings.token",
      id: "r",
      payload: { token: await tokenOf("ann", { jti: "second" }) },
    });
    await client.frame("tidings.ack");
    await revoke(relay, { jti: "first" });
    client.send({ type: "tidings.ping", id: "p" });
    await client.frame("tidings.pong");
    client.send({ type: "tidings.token", payload: { token: await tokenOf("ann", { jti: "first" }) } });
    expect(await client.closed()).toEqual({ code: 4403, reason: "the token was revoked" });
    expect(await client.frame("tidings.error")).toMatchObject({ payload: { code: "token_revoked" } });
    const other = await tidingsClient(relay, await tokenOf("ann", { jti: "second" }));
    await other.frame("tidings.welcome");
    await revoke(relay, { jti: "second" });
    expect((await other.closed()).code).toBe(4403);
  });

  test("of a ticket refuses it without using it up", async () => {
    await using relay = await startTestRelay({ settings: guarded });
    const ticket = await tokenOf("ann", { jti: "ticket", single_use: true, exp: nowSeconds() + 60 });
    await revoke(relay, { jti: "ticket" });
    await expectRefused(relay, ticket);
    expect(await relay.redis.cli("EXISTS", "tidings:ticket:ticket")).toBe("0");
    expect((await api(relay, "DELETE", "/v1/revocations?jti=ticket")).status).toBe(200);
    await (await tidingsClient(relay, ticket)).frame("tidings.welcome");
  });

  test("survives a relay's restart, and counts for relays that start later", async () => {
    await using redis = await startRedis();
    const token = await tokenOf("ann");
    {
      await using first = await startTestRelay({ redis, settings: guarded });
      await revoke(first, { user_id: "ann" });
    }
    await using second = await startTestRelay({ redis, settings: guarded });
    await expectRefused(second, token);
  });

  test("survives a Redis that loses all it held, and reaches relays that start after that", async () => {
    await using redis = await startRedis();
    const token = await tokenOf("ann");
    await using relay = await startTestRelay({ redis, settings: guarded });
    await revoke(relay, { user_id: "ann" });
    await redis.restart();
    await eventually("it is written back", async () =>
      (await redis.cli("ZRANGE", "tidings:revocations", "0", "-1")).includes("ann"),
    );
    await relay.ready();
    await expectRefused(relay, token);
    await using later = await startTestRelay({ redis, settings: guarded });
    await expectRefused(later, token);
  }, 30_000);

  test("made while a relay was cut off reaches it as soon as it is back, and one lifted meanwhile is lifted", async () => {
    await using redis = await startRedis();
    await using cut = await startTestRelay({ redis, settings: guarded });
    await revoke(cut, { user_id: "cy" });
    const client = await tidingsClient(cut, await tokenOf("ann"));
    await client.frame("tidings.welcome");
    const stays = await tidingsClient(cut, await tokenOf("bob"));
    await stays.frame("tidings.welcome");
    // What another relay would write, without the message that says so: this one cannot hear of it until it is back.
    const ends = String(Date.now() + 60_000);
    const lifted = String(Date.now() - 1_000);
    await redis.cli("ZADD", "tidings:revocations", ends, '{"user_id":"ann"}', lifted, '{"user_id":"cy"}');
    for (const type of ["normal", "pubsub"]) await redis.cli("CLIENT", "KILL", "TYPE", type);
    expect(await client.closed()).toEqual({ code: 4403, reason: "the token was revoked" });
    await (await tidingsClient(cut, await tokenOf("cy"))).frame("tidings.welcome");
    expect(stays.closeEvent).toBeNull();
  }, 30_000);

  test("cannot be asked for while Redis is away: nobody is let in before it was, known ones count after", async () => {
    await using redis = await startRedis();
    await using knows = await startTestRelay({ redis, settings: guarded });
    await revoke(knows, { user_id: "ann" });
    await redis.stop();
    await eventually("it is noticed", () => !knows.relay.brokerHealth().ok);
    await expectRefused(knows, await tokenOf("ann"));
    expect(await answerOf(await api(knows, "POST", "/v1/revocations", { user_id: "bob" }))).toBe(
      "503 broker_unavailable",
    );
    await (await tidingsClient(knows, await tokenOf("bob"))).frame("tidings.welcome");
  }, 30_000);

  test("that may not be read keeps a relay unready and everyone out, and /readyz names the reason", async () => {
    await using redis = await startRedis();
    await redis.cli("ACL", "SETUSER", "relay", "on", ">pw", "allchannels", "allkeys", "+@all", "-zscan");
    const settings = { ...defaultSettings(), ...guarded, host: "127.0.0.1", port: 0 };
    const redis_url = redis.url.replace("//", "//relay:pw@");
    const logger = pino({ level: "silent" });
    await using relay = startRelay({ settings: { ...settings, redis_url }, logger, version: "0.0.0-test" });
    const url = `http://127.0.0.1:${relay.port}`;
    const token = await tokenOf("ann");
    await eventually("the reason is told", async () =>
      (await (await fetch(`${url}/readyz`)).text()).includes("NOPERM"),
    );
    const headers = { authorization: `Bearer ${token}` };
    expect(await answerOf(await fetch(`${url}/v1/stream`, { headers }))).toBe("503 token_undecided");
    expect((await (await tidingsClient({ url }, token)).closed()).code).toBe(1013);
    await redis.cli("ACL", "SETUSER", "relay", "+zscan");
    await eventually("it is ready", async () => (await fetch(`${url}/readyz`)).status === 200);
    await (await tidingsClient({ url }, token)).frame("tidings.welcome");
  }, 30_000);

  test("works with the embedded broker", async () => {
    await using relay = await startTestRelay({ broker: "embedded", settings: guarded });
    const token = await tokenOf("ann");
    const trio = await Trio.open(relay, token);
    expect(await revoke(relay, { user_id: "ann" })).toMatchObject({ closed: 3, relays: 1 });
    await trio.revoked();
    await expectRefused(relay, token);
  });
});
