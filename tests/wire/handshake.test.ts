import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { eventually } from "../support/eventually.ts";
import { startTestRelay } from "../support/test-relay.ts";
import { byRequest } from "./cases/requests.ts";
import { byWebSocketHeader } from "./cases/websocket-headers.ts";
import { frame, opcodes } from "./support/frames.ts";
import { handshakeFor, readHead, WireClient } from "./support/wire-client.ts";
import { counted, WireStage } from "./support/wire-stage.ts";

// Autobahn has no cases for the opening handshake; these are ours. The relay has places for the bystander and two more, so
// a handshake that kept its place would be seen two rows later.

/** What RFC 6455, 1.3 computes from its sample key. */
const SAMPLE_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

let stage: WireStage;
beforeAll(async () => {
  stage = await WireStage.start({ max_connections: 3 });
});
afterAll(() => stage[Symbol.asyncDispose]());

for (const [title, rows] of Object.entries({ ...byRequest, ...byWebSocketHeader })) {
  describe(`by its ${title}`, () => {
    for (const { name, rfc, request, status, counts } of rows) {
      const fate = status === null ? "is cut" : status === 101 ? "is let in" : `gets ${status}`;
      test(`a handshake with ${name} ${fate}, and keeps no place (${rfc})`, async () => {
        const before = await stage.handshakes();
        using client = new WireClient(stage.port);
        client.send(request);
        await client.until(
          "an answer or the end came",
          () => client.isEnded || readHead(client.bytes) !== null,
        );
        const answer = readHead(client.bytes);
        expect(answer?.status ?? null).toBe(status);
        const head = answer?.head.toLowerCase() ?? "";
        if (status === 101) expect(answer?.head).toContain(`Sec-WebSocket-Accept: ${SAMPLE_ACCEPT}`);
        else expect(head).not.toContain("sec-websocket-accept");
        if (status === 426) expect(head).toContain("sec-websocket-version: 13");
        expect(head).not.toContain("sec-websocket-extensions");
        client[Symbol.dispose]();
        await stage.othersAreGone();
        await stage.bystanderIsUndisturbed();
        expect(counted(before, await stage.handshakes())).toEqual(counts === null ? {} : { [counts]: 1 });
      });
    }
  });
}

test("the subprotocol that is chosen is tidings.v1 or none, and never one that holds a token", async () => {
  await using other = await WireStage.start();
  for (const [offer, chosen] of [
    ["tidings.v1, tidings.token.x.y.z", "tidings.v1"],
    ["tidings.token.x.y.z, tidings.v1", "tidings.v1"],
    ["chat, superchat", null],
    ["tidings.v1.evil", null],
  ] as const) {
    using client = new WireClient(other.port);
    client.send(handshakeFor(other.port, "/ws?user_id=m", [`Sec-WebSocket-Protocol: ${offer}`]));
    const { head } = await client.answered();
    const [, protocol = null] = /^sec-websocket-protocol: (.*)$/im.exec(head) ?? [];
    expect([offer, protocol]).toEqual([offer, chosen]);
  }
});

test("a second request behind a handshake is read as frames, never as a request", async () => {
  using client = new WireClient(stage.port);
  const smuggled = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  client.send(handshakeFor(stage.port, "/ws?user_id=m"), smuggled);
  await client.upgraded();
  await client.ended();
  expect(client.closeCode).toBe(1002);
  expect(client.bytes.toString("latin1")).not.toContain("tidings_");
  await stage.bystanderIsUndisturbed();
});

test("frames behind a handshake that is refused are no request, and get no second answer", async () => {
  using client = new WireClient(stage.port);
  client.send(handshakeFor(stage.port, "/ws"), frame(opcodes.text, '{"type":"ask"}'));
  await client.ended();
  const answers = client.bytes.toString("latin1").match(/HTTP\/1\.1 \d+/g);
  expect(answers?.filter((answer) => answer !== "HTTP/1.1 400")).toEqual(["HTTP/1.1 401"]);
  await stage.bystanderIsUndisturbed();
});

test("a request after a refused handshake on the same connection is answered on its own", async () => {
  using client = new WireClient(stage.port);
  client.send(handshakeFor(stage.port, "/ws"), handshakeFor(stage.port, "/ws?user_id=m"));
  await client.until("both answers came", () => client.bytes.includes("HTTP/1.1 101"));
  expect(client.bytes.toString("latin1")).toStartWith("HTTP/1.1 401");
});

test("a handshake in pieces of one byte is let in", async () => {
  using client = new WireClient(stage.port);
  await client.sendApart(
    Array.from(Buffer.from(handshakeFor(stage.port, "/ws?user_id=m")), (byte) => Uint8Array.of(byte)),
  );
  await client.upgraded();
});

describe("a client that resets its connection", () => {
  const whole = Buffer.from(handshakeFor(1, "/ws?user_id=m"));
  for (const [when, bytes] of [
    ["before the handshake", Buffer.alloc(0)],
    ["within the request's line", whole.subarray(0, 9)],
    ["within the headers", whole.subarray(0, 60)],
    ["before the last line", whole.subarray(0, -2)],
    ["behind a handshake that is not answered yet", whole],
  ] as const) {
    test(`${when} keeps no place`, async () => {
      for (let round = 0; round < 5; round += 1) {
        using client = new WireClient(stage.port);
        await client.connected();
        client.send(bytes);
        client.reset();
        await client.ended();
      }
      await stage.othersAreGone();
      using next = await stage.open();
      expect(next.isEnded).toBe(false);
      await stage.bystanderIsUndisturbed();
    });
  }
});

test("a client that resets its connection while its token is judged keeps no place", async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: "ES256", kid: "k" })
    .setSubject("mallory")
    .setExpirationTime("1h")
    .sign(privateKey);
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "k" }] };
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<Response>();
  await using relay = await startTestRelay({
    settings: { max_connections: 1, insecure_user_id: false, jwks_url: "https://keys.test/" },
    fetch: () => {
      asked.resolve();
      return answered.promise;
    },
  });
  const { port } = relay.relay;
  const shake = handshakeFor(port, "/ws", [`Authorization: Bearer ${token}`]);
  using client = new WireClient(port);
  client.send(shake);
  await asked.promise;
  expect((await relay.http("/v1/stream")).status).toBe(503);
  client.reset();
  await client.ended();
  answered.resolve(Response.json(keys));
  await eventually("the place is free", async () => (await relay.http("/v1/stream")).status === 401);
  expect(relay.relay.hub.connections).toBe(0);
  using next = new WireClient(port);
  next.send(shake);
  await next.upgraded();
});
