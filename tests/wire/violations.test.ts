import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEcho } from "../../conformance/echo-server.ts";
import { closeViolations } from "./cases/closing.ts";
import { fragmentViolations } from "./cases/fragments.ts";
import { framingViolations } from "./cases/framing.ts";
import { textViolations } from "./cases/texts.ts";
import type { Violation } from "./cases/violation.ts";
import { closeFrame, frame, opcodes } from "./support/frames.ts";
import { WireClient } from "./support/wire-client.ts";
import { counted, WireStage } from "./support/wire-stage.ts";

// What no client may send: each row on a connection of its own, while a bystander listens.

const tables: readonly (readonly [string, readonly Violation[]])[] = [
  ["a frame", framingViolations],
  ["a fragment out of order", fragmentViolations],
  ["a text that is no UTF-8", textViolations],
  ["a close frame", closeViolations],
];

let stage: WireStage;
beforeAll(async () => {
  stage = await WireStage.start();
});
afterAll(() => stage[Symbol.asyncDispose]());

for (const [title, rows] of tables) {
  describe(title, () => {
    for (const { name, rfc, send, code } of rows) {
      test(`${name} closes its connection with ${code}, is counted, and disturbs nobody (RFC 6455, ${rfc})`, async () => {
        const before = await stage.closes();
        using client = await stage.open();
        client.send(...send);
        await client.ended();
        expect(client.closeCode).toBe(code);
        expect(client.frames.at(-1)?.opcode).toBe(opcodes.close);
        expect(client.frames.some(({ isMasked, rsv }) => isMasked || rsv !== 0)).toBe(false);
        await stage.othersAreGone();
        await stage.bystanderIsUndisturbed();
        expect(counted(before, await stage.closes())).toEqual({ protocol: 1 });
      });
    }
  });
}

test("nothing that stands behind a violation in the same bytes is acted on", async () => {
  const published = (): Promise<number> => stage.relay.metric('tidings_messages_total{result="published"}');
  const before = await published();
  using client = await stage.open();
  const message = frame(opcodes.text, '{"type":"ask"}');
  client.send(message, frame(3), message, frame(opcodes.ping, "p"), closeFrame(1000));
  await client.ended();
  expect(client.closeCode).toBe(1002);
  expect(client.frames.map(({ opcode }) => opcode)).toEqual([opcodes.close]);
  await stage.othersAreGone();
  await stage.bystanderIsUndisturbed();
  expect(await published()).toBe(before + 1);
});

test("every violation closes the echo endpoint's connection with the same code", async () => {
  const echo = startEcho(0);
  try {
    for (const { name, send, code } of tables
      .flatMap(([, rows]) => rows)
      .filter((row) => row.code !== 1009)) {
      using client = await WireClient.open(echo.port ?? 0, "/");
      client.send(...send);
      await client.ended();
      expect([name, client.closeCode]).toEqual([name, code]);
    }
  } finally {
    await echo.stop(true);
  }
});
