import { describe, expect, test } from "bun:test";
import { ErrorReply } from "@redis/client";
import fc from "fast-check";
import { MessageReader } from "./message-reader.ts";
import { RespFault, RespPush, type RespValue } from "./resp-value.ts";

describe("MessageReader", () => {
  test("what Redis sends comes out whole and in order, however it is cut", () => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 12 }), cuts, (all, at) => {
        const { reader, seen } = observed();
        for (const chunk of chunks(Buffer.concat(all.map(({ bytes }) => bytes)), at)) reader.feed(chunk);
        expect(seen).toEqual(all.map(({ means }) => means));
      }),
    );
  });

  test("a message is handed over without a copy where it came in one piece", () => {
    const chunk = message("updates", Buffer.from("payload"));
    const owners: ArrayBufferLike[] = [];
    const reader = new MessageReader(new Map([["updates", ({ buffer }) => owners.push(buffer)]]), () => {});
    reader.feed(chunk);
    expect(owners[0]).toBe(chunk.buffer);
  });

  test("garbage in the stream is a fault of the protocol or waits for more, and what came before it stands", () => {
    fc.assert(
      fc.property(
        fc.array(said, { maxLength: 3 }),
        fc.uint8Array({ minLength: 1 }),
        cuts,
        (all, noise, at) => {
          const { reader, seen } = observed();
          const bytes = Buffer.concat([...all.map((one) => one.bytes), noise]);
          try {
            for (const chunk of chunks(bytes, at)) reader.feed(chunk);
          } catch (error) {
            expect(error).toBeInstanceOf(RespFault);
          }
          expect(seen.slice(0, all.length)).toEqual(all.map(({ means }) => means));
        },
      ),
    );
  });

  test.each([
    ["another protocol", "HTTP/1.1 400 Bad Request\r\n"],
    ["a message whose length is a letter", `${start("updates")}x\r\n`],
    ["a message without a length", `${start("updates")}\r\n\r\n`],
    ["a message with a negative length", `${start("updates")}-1\r\n`],
    ["a message longer than Redis can hold", `${start("updates")}99999999999\r\n`],
    ["a message longer than it says", `${start("updates")}3\r\nabcd\r\n`],
    ["a length that is not ended", `${start("updates")}3\rXabc\r\n`],
    ["a string longer than it says", "$3\r\nabcdef\r\n"],
    ["more items than a reply can have", "*9999999999\r\n"],
    ["a line that is not ended", "+a\rb\r\n"],
    ["nesting", "*1\r\n".repeat(100)],
    ["an endless line", `+${"a".repeat(20_000)}`],
    ["a long string", `$20000\r\n${"a".repeat(20_000)}\r\n`],
    ["a long list", "*20000\r\n".padEnd(20_000, ":1\r\n")],
  ])("%s is a fault of the protocol, whole or cut", (_, text) => {
    for (const size of [text.length, Math.ceil(text.length / 9), Math.ceil(text.length / 200)]) {
      const { reader } = observed();
      expect(() => {
        for (let at = 0; at < text.length; at += size) reader.feed(Buffer.from(text.slice(at, at + size)));
      }).toThrow(RespFault);
    }
  });

  test("a large message that comes a few bytes at a time is put together once", () => {
    const payload = Buffer.alloc(300_000, "0123456789abcdef\r\n");
    const { reader, seen } = observed();
    for (const chunk of chunks(
      message("updates", payload),
      Array.from({ length: 5_000 }, () => 61),
    )) {
      reader.feed(chunk);
    }
    expect(seen).toEqual([["updates", payload.toString("latin1")]]);
  });
});

type Meaning = RespValue | readonly [channel: string, payload: string];

/** A reader of two channels that writes down what it was told. */
function observed(): { reader: MessageReader; seen: Meaning[] } {
  const seen: Meaning[] = [];
  const note = (channel: string) =>
    [
      channel,
      (bytes: Uint8Array) => void seen.push([channel, Buffer.from(bytes).toString("latin1")]),
    ] as const;
  const reader = new MessageReader(new Map([note("updates"), note("upd")]), (value) => seen.push(value));
  return { reader, seen };
}

function start(channel: string): string {
  return `>3\r\n$7\r\nmessage\r\n$${channel.length}\r\n${channel}\r\n$`;
}

function message(channel: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${start(channel)}${payload.length}\r\n`), payload, Buffer.from("\r\n")]);
}

const messages = fc
  .tuple(fc.constantFrom("updates", "upd"), fc.uint8Array({ maxLength: 300 }))
  .map(([channel, payload]) => ({
    bytes: message(channel, payload),
    means: [channel, Buffer.from(payload).toString("latin1")] as Meaning,
  }));

const line = fc.stringMatching(/^[ -~]{0,20}$/);

/** Every kind of reply, as Redis writes it and as the reader says it. */
const replies: fc.Arbitrary<{ bytes: Buffer; means: Meaning }> = fc
  .letrec<{ reply: [string, RespValue] }>((tie) => ({
    reply: fc.oneof(
      { maxDepth: 4 },
      line.map((text) => [`+${text}\r\n`, text] as [string, RespValue]),
      fc.integer().map((number) => [`:${number}\r\n`, String(number)] as [string, RespValue]),
      line.map((text) => [`-ERR ${text}\r\n`, new ErrorReply(`ERR ${text}`)] as [string, RespValue]),
      fc.constantFrom<[string, RespValue]>(
        ["_\r\n", null],
        ["$-1\r\n", null],
        ["#t\r\n", "t"],
        [",1.5\r\n", "1.5"],
      ),
      fc
        .string({ unit: "grapheme", maxLength: 30 })
        .map((text) => [`$${Buffer.byteLength(text)}\r\n${text}\r\n`, text] as [string, RespValue]),
      fc
        .tuple(fc.constantFrom("*", "~", ">"), fc.array(tie("reply"), { maxLength: 3 }))
        .map(([kind, items]) => aggregate(kind, items.length, items)),
      fc
        .array(fc.tuple(tie("reply"), tie("reply")), { maxLength: 2 })
        .map((pairs) => aggregate("%", pairs.length, pairs.flat())),
    ),
  }))
  .reply.map(([text, means]) => ({ bytes: Buffer.from(text), means }));

function aggregate(kind: string, count: number, items: readonly [string, RespValue][]): [string, RespValue] {
  const values = items.map(([, value]) => value);
  const text = `${kind}${count}\r\n${items.map(([bytes]) => bytes).join("")}`;
  return [text, kind === ">" ? new RespPush(values) : values];
}

const said = fc.oneof({ arbitrary: messages, weight: 3 }, replies);
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 });

/** The bytes in pieces of the given lengths, and the rest as the last piece. */
function* chunks(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (const length of lengths) {
    if (at >= bytes.length) return;
    yield bytes.subarray(at, at + length);
    at += length;
  }
  if (at < bytes.length) yield bytes.subarray(at);
}
