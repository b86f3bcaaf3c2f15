import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";
import { TestStream } from "../support/test-stream.ts";
import { guarded, handshake, nowSeconds, plainAnswer, tidingsClient, tokenOf } from "./auth-support.ts";

const [ann, bob] = await Promise.all([tokenOf("ann"), tokenOf("bob")]);
const subprotocol = (token: string): string => `tidings.v1, tidings.token.${token}`;

/** How a relay answers a handshake written by hand, and as whom it lets in. */
async function rawAnswer(relay: TestRelay, lines: readonly string[]): Promise<string> {
  const socket = connect(relay.relay.port, "127.0.0.1");
  let text = "";
  socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
  socket.on("error", () => {});
  const fixed = Object.entries(handshake).map(([name, value]) => `${name}: ${value}`);
  socket.write(["GET /ws HTTP/1.1", "Host: relay.test", ...fixed, ...lines, "", ""].join("\r\n"));
  const hasAnswer = (): boolean =>
    / 101 [^]*\r\n\r\n[^]*tidings\.(?:welcome|closing)|^HTTP\/1\.1 [2-5]\d\d/.test(text);
  await eventually("an answer came", () => hasAnswer() || socket.closed);
  socket.destroy();
  return /"user_id":"(\w+)"/.exec(text)?.[1] ?? /"code":(\d+)/.exec(text)?.[1] ?? text.slice(9, 12);
}

describe("a request with two credentials", () => {
  let relay: TestRelay;

  beforeAll(async () => {
    const settings = { ...guarded, token_cookie: "session", query_token: true };
    relay = await startTestRelay({ broker: "embedded", settings });
  });

  afterAll(() => relay[Symbol.asyncDispose]());

  test.each([
    [
      "the subprotocol before the header",
      [`Sec-WebSocket-Protocol: ${subprotocol(ann)}`, `Authorization: Bearer ${bob}`],
      "ann",
    ],
    [
      "the subprotocol before the cookie",
      [`Cookie: session=${bob}`, `Sec-WebSocket-Protocol: ${subprotocol(ann)}`],
      "ann",
    ],
    [
      "the header before the cookie",
      [`Cookie: session=${bob}`, `Authorization: Bearer ${ann}`, "Sec-WebSocket-Protocol: tidings.v1"],
      "ann",
    ],
    [
      "a bad subprotocol, although the header is good",
      ["Sec-WebSocket-Protocol: tidings.v1, tidings.token.x", `Authorization: Bearer ${ann}`],
      "4401",
    ],
    [
      "a bad header, although the cookie is good",
      ["Authorization: Bearer x", `Cookie: session=${ann}`, "Sec-WebSocket-Protocol: tidings.v1"],
      "4401",
    ],
    ["two subprotocol tokens", [`Sec-WebSocket-Protocol: ${subprotocol(ann)}, tidings.token.${bob}`], "4401"],
    [
      "two subprotocol headers with a token each",
      [`Sec-WebSocket-Protocol: ${subprotocol(ann)}`, `Sec-WebSocket-Protocol: ${subprotocol(bob)}`],
      "4401",
    ],
    [
      "two Authorization headers",
      [`Authorization: Bearer ${ann}`, `Authorization: Bearer ${bob}`, "Sec-WebSocket-Protocol: tidings.v1"],
      "refused",
    ],
    [
      "two Authorization headers of one token",
      [`Authorization: Bearer ${ann}`, `Authorization: Bearer ${ann}`, "Sec-WebSocket-Protocol: tidings.v1"],
      "refused",
    ],
    [
      "Basic and Bearer",
      ["Authorization: Basic YTpi", `Authorization: Bearer ${ann}`, "Sec-WebSocket-Protocol: tidings.v1"],
      "refused",
    ],
    [
      "two cookies of the name that differ",
      [`Cookie: session=${ann}; session=${bob}`, "Sec-WebSocket-Protocol: tidings.v1"],
      "4401",
    ],
    [
      "two Cookie headers that differ",
      [`Cookie: session=${ann}`, `Cookie: session=${bob}`, "Sec-WebSocket-Protocol: tidings.v1"],
      "4401",
    ],
  ] as const)("is judged by the first place alone, or refused: %s", async (_, lines, expected) => {
    const answer = await rawAnswer(relay, lines);
    if (expected === "refused") expect(["4401", "400"]).toContain(answer);
    else expect(answer).toBe(expected);
  });

  test("is judged by the header, not the address; two tokens in an address are refused", async () => {
    const url = `/v1/stream?token=${bob}`;
    using stream = await TestStream.open(relay.url + url, { authorization: `Bearer ${ann}` });
    expect(await stream.frame("tidings.welcome")).toMatchObject({ payload: { user_id: "ann" } });
    expect(await plainAnswer(relay, {}, `?token=${ann}&token=${bob}`)).toBe("401 token_refused");
    expect(await plainAnswer(relay, {}, `?token=${ann}&token=${ann}`)).toBe("401 token_refused");
  });

  test("never believes a user id beside a token, nor in a frame", async () => {
    expect(await plainAnswer(relay, {}, "?user_id=bob")).toBe("401 token_refused");
    const client = await tidingsClient(relay, ann);
    client.send({ type: "t", payload: 1, user_id: "bob", target_user_id: "bob", sub: "bob" });
    client.send({ type: "tidings.ping", id: "p" });
    await client.frame("tidings.pong");
    expect(relay.relay.hub.clientsOf("bob")).toHaveLength(0);
    client.close();
  });
});

describe("a session", () => {
  test("does not become another user's by a new token, whose connections are left alone", async () => {
    await using relay = await startTestRelay({ broker: "embedded", settings: guarded });
    const [mine, theirs] = [await tidingsClient(relay, ann), await tidingsClient(relay, bob)];
    await theirs.frame("tidings.welcome");
    mine.send({ type: "tidings.token", payload: { token: bob } });
    expect((await mine.closed()).code).toBe(4401);
    theirs.send({ type: "tidings.ping", id: "p" });
    await theirs.frame("tidings.pong");
  });

  test("ends with its token in mid stream, however busy it is, on a socket as on a stream", async () => {
    await using relay = await startTestRelay({ settings: guarded });
    const short = await tokenOf("ann", { exp: nowSeconds() + 2 });
    const client = await tidingsClient(relay, short);
    using stream = await TestStream.open(`${relay.url}/v1/stream`, { authorization: `Bearer ${short}` });
    await eventually("both are there", () => relay.relay.hub.clientsOf("ann").length === 2);
    await eventually("both are closed", async () => {
      await relay.publish({ target_user_id: "ann", type: "t", payload: 1 });
      return client.closeEvent !== null && stream.isEnded;
    });
    expect(await client.closed()).toEqual({ code: 4401, reason: "the token expired" });
    expect(relay.relay.hub.connections).toBe(0);
  });
});

describe("a ticket", () => {
  const ticket = (jti: string, claims: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    tokenOf("ann", { single_use: true, jti, exp: nowSeconds() + 60, ...claims });

  test("shown to two relays a hundred times at once lets in exactly one", async () => {
    await using redis = await startRedis();
    const relays = [
      await startTestRelay({ redis, settings: guarded }),
      await startTestRelay({ redis, settings: guarded }),
    ];
    for (let round = 0; round < 3; round += 1) {
      const headers = { authorization: `Bearer ${await ticket(`replay-${round}`)}` };
      const answers = await Promise.all(
        Array.from({ length: 100 }, async (_, n) => {
          const relay = relays[n % 2];
          return relay === undefined ? "" : plainAnswer(relay, headers);
        }),
      );
      expect(answers.filter((answer) => answer === "101")).toHaveLength(1);
      expect(answers.filter((answer) => answer === "401 ticket_used")).toHaveLength(99);
    }
    for (const relay of relays) await relay[Symbol.asyncDispose]();
  });

  test("that is written otherwise is no other ticket", async () => {
    await using relay = await startTestRelay({ broker: "embedded", settings: guarded });
    const token = await ticket("respelt");
    expect(await plainAnswer(relay, { authorization: `Bearer ${token}` })).toBe("101");
    for (const spelling of [
      `${token}=`,
      token.replace(/.$/, (last) => String.fromCodePoint(last.charCodeAt(0) + 1)),
    ]) {
      expect(await plainAnswer(relay, { authorization: `Bearer ${spelling}` })).toBe("401 token_refused");
    }
  });

  test("lets nobody in after its end, nor while nobody can tell whether it was used", async () => {
    await using relay = await startTestRelay({ settings: guarded });
    const late = await ticket("late", { exp: nowSeconds() - 31 });
    expect(await plainAnswer(relay, { authorization: `Bearer ${late}` })).toBe("401 token_refused");
    await relay.redis.stop();
    const unknown = await ticket("unknown");
    expect(await plainAnswer(relay, { authorization: `Bearer ${unknown}` })).toBe("503 token_undecided");
    const client = await tidingsClient(relay, await ticket("unknown too"));
    expect((await client.closed()).code).toBe(1013);
  });
});
