import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Server } from "bun";
import { startEcho } from "../../conformance/echo-server.ts";
import { startProcess } from "../support/process.ts";
import { eventually } from "../support/eventually.ts";
import type { Session } from "../../packages/server/src/websocket/session.ts";
import { type Echo, echoes, endings } from "./cases/echoes.ts";
import { validCodes } from "./cases/closing.ts";
import { closeBody, closeFrame, frame, opcodes } from "./support/frames.ts";
import { WireClient } from "./support/wire-client.ts";

// What must come back whole: the relay answers no message with its own content, so these run against the echo endpoint,
// which listens as the relay does.

let echo: Server<Session>;
beforeAll(() => {
  echo = startEcho(0);
});
afterAll(() => echo.stop(true));

const open = (more: readonly string[] = []): Promise<WireClient> =>
  WireClient.open(echo.port ?? 0, "/any/path?any=query", more);

async function exchange({ send, back }: Echo): Promise<WireClient> {
  const client = await open();
  await client.sendApart(send);
  const frames = await client.received(back.length);
  const seen = frames.map(({ opcode, payload }) => [opcode, Bun.hash(payload), payload.length]);
  expect(seen).toEqual(back.map(([opcode, payload]) => [opcode, Bun.hash(payload), payload.length]));
  expect(frames.every(({ fin, rsv, isMasked }) => fin && rsv === 0 && !isMasked)).toBe(true);
  return client;
}

describe("the echo endpoint gives back", () => {
  for (const row of echoes) {
    test(`${row.name} and stays open (RFC 6455, ${row.rfc})`, async () => {
      using client = await exchange(row);
      client.send(frame(opcodes.ping, "still there"));
      const frames = await client.received(row.back.length + 1);
      expect(frames.at(-1)).toMatchObject({ opcode: opcodes.pong, payload: Buffer.from("still there") });
    });
  }
});

describe("the connection ends after", () => {
  for (const row of endings) {
    test(`${row.name} is answered (RFC 6455, ${row.rfc})`, async () => {
      using client = await exchange(row);
      await client.ended();
      expect(client.frames.length).toBe(row.back.length);
    });
  }

  test("a close with each valid code, which comes back with its reason (RFC 6455, 7.4)", async () => {
    for (const code of validCodes) {
      for (const reason of ["", "bye", "κόσμε"]) {
        using client = await open();
        client.send(closeFrame(code, reason));
        await client.ended();
        expect(client.frames.map(({ payload }) => payload)).toEqual([Buffer.from(closeBody(code, reason))]);
      }
    }
  });
});

test("compression is offered in vain: no extension is agreed on, and a compressed frame closes with 1002 (RFC 7692)", async () => {
  for (const offer of [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits; server_no_context_takeover",
    "x-webkit-deflate-frame",
  ]) {
    using client = new WireClient(echo.port ?? 0);
    client.send(
      [
        "GET / HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        `Sec-WebSocket-Extensions: ${offer}`,
        "",
        "",
      ].join("\r\n"),
    );
    const { status, head } = await client.answered();
    expect(status).toBe(101);
    expect(head.toLowerCase()).not.toContain("sec-websocket-extensions");
    await client.upgraded();
    const deflated = Uint8Array.of(0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00);
    client.send(frame(opcodes.text, deflated, { rsv: 4 }));
    await client.ended();
    expect(client.closeCode).toBe(1002);
  }
});

test("a message of 16 MiB comes back, and one over 32 MiB closes with 1009", async () => {
  using client = await open();
  const large = Buffer.alloc(16 * 1_048_576, "*");
  client.send(frame(opcodes.binary, large));
  const [back] = await client.received(1);
  expect(back?.payload.equals(large)).toBe(true);
  client.send(frame(opcodes.binary, "x", { says: BigInt(32 * 1_048_576 + 1) }));
  await client.ended();
  expect(client.closeCode).toBe(1009);
});

test("the echo program serves an outside suite on the port it is told", async () => {
  await using program = startProcess([process.execPath, "conformance/echo.ts", "--port", "0"]);
  await eventually("it says where it listens", () => program.output().includes("ws://"));
  const port = Number(/ws:\/\/127\.0\.0\.1:(\d+)/.exec(program.output())?.[1]);
  using client = await WireClient.open(port, "/");
  client.send(frame(opcodes.text, "hello"));
  const [back] = await client.received(1);
  expect(back?.payload.toString()).toBe("hello");
});
