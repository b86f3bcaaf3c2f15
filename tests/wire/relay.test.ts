import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { fragments } from "./cases/echoes.ts";
import { validCodes } from "./cases/closing.ts";
import { cutAt, validText } from "./cases/texts.ts";
import { closeBody, closeFrame, frame, opcodes } from "./support/frames.ts";
import type { WireClient } from "./support/wire-client.ts";
import { type Counts, counted, WireStage } from "./support/wire-stage.ts";

// What the relay itself does with well-formed frames: messages of every shape arrive, bounds hold, closes are answered.

const MAX_MESSAGE_BYTES = 65_536;
const { text, binary, continuation, ping, close } = opcodes;

let stage: WireStage;
beforeAll(async () => {
  stage = await WireStage.start();
});
afterAll(() => stage[Symbol.asyncDispose]());

/** A message of exactly that many bytes, which the relay acknowledges. */
function message(bytes: number, id = "m"): Uint8Array {
  const empty = JSON.stringify({ type: "ask", id, payload: "" });
  const padding = "x".repeat(bytes - Buffer.byteLength(empty));
  return Buffer.from(JSON.stringify({ type: "ask", id, payload: padding }));
}

/** Resolves with the id of the next acknowledgement. */
async function acknowledged(client: WireClient): Promise<unknown> {
  const find = (): unknown =>
    client.frames
      .filter(({ opcode }) => opcode === text)
      .map(({ payload }) => JSON.parse(payload.toString()) as { type: string; id?: string })
      .find(({ type }) => type === "tidings.ack")?.id;
  await client.until("an acknowledgement came", () => find() !== undefined);
  return find();
}

/** Sends frames on a new connection that ends by them, and tells how it was counted. */
async function ending(send: readonly Uint8Array[]): Promise<{ code: number | null; counts: Counts }> {
  const before = await stage.closes();
  using client = await stage.open();
  client.send(...send);
  await client.ended();
  await stage.othersAreGone();
  await stage.bystanderIsUndisturbed();
  return { code: client.closeCode, counts: counted(before, await stage.closes()) };
}

describe("a message", () => {
  for (const size of [1, 16, 64, 1_024, 65_535, MAX_MESSAGE_BYTES]) {
    test(`of just the limit in fragments of ${size} bytes is acknowledged`, async () => {
      using client = await stage.open("tidings.v1");
      client.send(...fragments(text, message(MAX_MESSAGE_BYTES), size));
      expect(await acknowledged(client)).toBe("m");
    });

    test(`of one byte more than the limit in fragments of ${size} bytes closes with 1009`, async () => {
      expect(await ending(fragments(text, message(MAX_MESSAGE_BYTES + 1), size))).toEqual({
        code: 1009,
        counts: { "1009": 1 },
      });
    });
  }

  test("whose fragments together pass the limit by far closes with 1009 before its end", async () => {
    const endless = Array.from({ length: 9 }, (_, at) =>
      frame(at === 0 ? text : continuation, Buffer.alloc(16_384, "x"), { fin: false }),
    );
    expect(await ending(endless)).toEqual({ code: 1009, counts: { protocol: 1 } });
  });

  test("cut into fragments at any byte of any character is understood", async () => {
    const bytes = Buffer.from(JSON.stringify({ type: "ask", id: validText }));
    for (let at = 0; at <= bytes.length; at += 1) {
      using client = await stage.open("tidings.v1");
      await client.sendApart(cutAt(bytes, at));
      expect([at, await acknowledged(client)]).toEqual([at, validText]);
    }
    await stage.othersAreGone();
  });

  test("that is binary closes with 4400, whole or in fragments", async () => {
    for (const send of [[frame(binary, "{}")], fragments(binary, Buffer.from('{"type":"a"}'), 3)]) {
      expect(await ending(send)).toEqual({ code: 4400, counts: { "4400": 1 } });
    }
  });

  test("that is empty closes with 4400, whole or in fragments", async () => {
    for (const send of [[frame(text)], [frame(text, "", { fin: false }), frame(continuation)]]) {
      expect(await ending(send)).toEqual({ code: 4400, counts: { "4400": 1 } });
    }
  });

  test("behind the handshake in the same bytes is not lost", async () => {
    using client = await stage.openWith(frame(text, '{"type":"tidings.ping","id":"early"}'));
    await client.until("a pong came", () => client.frames.some(({ payload }) => payload.includes("early")));
  });
});

describe("a close", () => {
  test("with each valid code comes back, and counts as the client's", async () => {
    for (const code of validCodes) {
      const { code: back, counts } = await ending([closeFrame(code, "bye")]);
      expect([code, back, counts]).toEqual([code, code, { client: 1 }]);
    }
  });

  test("without a code comes back without one", async () => {
    expect(await ending([frame(close)])).toEqual({ code: 1005, counts: { client: 1 } });
  });

  test("is answered once, and nothing behind it is read", async () => {
    const before = await stage.relay.metric('tidings_messages_total{result="published"}');
    using client = await stage.open();
    client.send(
      frame(close, closeBody(1000)),
      frame(text, '{"type":"ask"}'),
      frame(ping, "p"),
      frame(3),
      frame(close, closeBody(1001)),
    );
    await client.ended();
    expect(client.frames.map(({ opcode }) => opcode)).toEqual([close]);
    expect(await stage.relay.metric('tidings_messages_total{result="published"}')).toBe(before);
  });

  test("by the relay is followed by the end of the connection, whatever the client sends meanwhile", async () => {
    using client = await stage.open();
    client.send(frame(binary, "x"), frame(text, '{"type":"ask"}'), frame(ping, "p"));
    await client.until("a close came", () => client.closeCode !== null);
    client.send(frame(text, '{"type":"ask"}'), closeFrame(4400));
    await client.ended();
    expect(client.closeCode).toBe(4400);
    expect(client.frames.at(-1)?.opcode).toBe(close);
  });
});

test("a client that only ends its sending side is let go, and counts as its own end", async () => {
  const before = await stage.closes();
  using client = await stage.open();
  client.finish();
  await stage.othersAreGone();
  await stage.bystanderIsUndisturbed();
  expect(counted(before, await stage.closes())).toEqual({ client: 1 });
});

test("a client that resets its connection is let go, in the midst of a frame too", async () => {
  for (const send of [[], [frame(text, "x", { fin: false })], [frame(text, "x", { says: 1_000n })]]) {
    const before = await stage.closes();
    using client = await stage.open();
    client.send(...send);
    client.reset();
    await stage.othersAreGone();
    await stage.bystanderIsUndisturbed();
    expect(counted(before, await stage.closes())).toEqual({ client: 1 });
  }
});
