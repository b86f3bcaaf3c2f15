import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LogNoticeReader, logNotice } from "./log-notice.ts";
import type { LogPosition, MissedUpdates } from "./update-log.ts";

const epochs = fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/);
const numbers = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const positions: fc.Arbitrary<LogPosition> = fc.record({ epoch: epochs, n: numbers });
const targets = fc
  .string({ unit: "binary", minLength: 1, maxLength: 64 })
  .filter((text) => !/\p{Cc}/u.test(text) && Buffer.byteLength(text) <= 256);
const holes: fc.Arbitrary<MissedUpdates | null> = fc.option(
  fc
    .tuple(fc.option(fc.string({ unit: "binary", maxLength: 128 })), numbers, numbers)
    .map(([producer, a, b]) => ({ producer, from: Math.min(a, b), to: Math.max(a, b) })),
);
const frames = fc.uint8Array({ maxLength: 200 });

test("a notice reads back as it was written, whatever the target, the position, the hole and the frame", () => {
  const reader = new LogNoticeReader();
  fc.assert(
    fc.property(targets, positions, holes, frames, (target, position, missed, frame) => {
      const notice = logNotice(target, position, missed, frame);
      expect(reader.read(notice)).toBe(true);
      expect(reader.epochIs(position.epoch)).toBe(true);
      expect(reader.epochIs(`${position.epoch}x`)).toBe(false);
      expect(reader.epochIs(`${position.epoch.slice(0, -1)}.`)).toBe(false);
      expect([reader.target, reader.epoch, reader.n]).toEqual([target, position.epoch, position.n]);
      expect(reader.missed).toEqual(missed);
      expect(Uint8Array.from(notice.subarray(reader.frameStart))).toEqual(Uint8Array.from(frame));
    }),
  );
});

test("a notice has the bytes that the function library of Redis publishes", () => {
  const plain = logNotice("né}", { epoch: "e1", n: 7 }, null, '{"a":"é"}');
  expect(new TextDecoder().decode(plain)).toBe('e1.7\nné}\n{"a":"é"}');
  const hole = logNotice("*", { epoch: "e1", n: 7 }, { producer: 'a\n"', from: 3, to: 5 }, "{}");
  expect(new TextDecoder().decode(hole)).toBe('e1.7 3-5 "a\\n\\""\n*\n{}');
  const nameless = logNotice("u", { epoch: "e1", n: 7 }, { producer: null, from: 3, to: 3 }, "{}");
  expect(new TextDecoder().decode(nameless)).toBe("e1.7 3-3 null\nu\n{}");
});

describe("what is not a notice is refused:", () => {
  const longest = `${"e".repeat(32)}.9007199254740991\n${"u".repeat(256)}\n`;
  const refused: Readonly<Record<string, string | Uint8Array>> = {
    "nothing at all": "",
    "an update": '{"type":"a","payload":1}',
    "no epoch": ".1\nu\n{}",
    "an epoch of 33 bytes": `e${longest}`,
    "an epoch with a character it cannot have": "e!.1\nu\n{}",
    "no number": "e.\nu\n{}",
    "the number 0": "e.0\nu\n{}",
    "a number with a leading zero": "e.01\nu\n{}",
    "a negative number": "e.-1\nu\n{}",
    "a number that a double cannot hold": "e.9007199254740992\nu\n{}",
    "no target": "e.1\n\n{}",
    "a target of 257 bytes": `e.1\n${"u".repeat(257)}\n{}`,
    "a target with a control character": "e.1\nu\t\n{}",
    "a target that is not UTF-8": new Uint8Array([0x65, 0x2e, 0x31, 0x0a, 0xff, 0x0a]),
    "a target without an end": "e.1\nu",
    "a hole without an end": "e.1 3-5 null",
    "a hole that ends before it begins": "e.1 5-3 null\nu\n{}",
    "a hole without a producer": "e.1 3-5\nu\n{}",
    "a hole whose producer is a number": "e.1 3-5 7\nu\n{}",
    "a hole whose producer is not JSON": 'e.1 3-5 "a\nu\n{}',
    "a hole whose producer is not UTF-8": Buffer.concat([
      Buffer.from('e.1 3-5 "'),
      Buffer.from([0xff]),
      Buffer.from('"\nu\n{}'),
    ]),
    "a hole whose producer is endless": `e.1 3-5 "${"a".repeat(5_000)}"\nu\n{}`,
  };
  for (const [what, bytes] of Object.entries(refused)) {
    test(what, () => {
      const reader = new LogNoticeReader();
      expect(reader.read(typeof bytes === "string" ? Buffer.from(bytes) : bytes)).toBe(false);
      expect(reader.read(Buffer.from(longest))).toBe(true);
    });
  }
});

test("no bytes make the reader throw, and a notice after them is read as itself", () => {
  const reader = new LogNoticeReader();
  const good = logNotice("u", { epoch: "e", n: 1 }, null, "{}");
  const near = fc
    .tuple(fc.constantFrom("e.1 3-5 null\nu\n{}", "e.1\nu\n{}"), fc.nat(20), fc.uint8Array({ maxLength: 8 }))
    .map(([text, at, bytes]) => Buffer.concat([Buffer.from(text).subarray(0, at), bytes]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), near), (bytes) => {
      reader.read(bytes);
      expect(reader.read(good)).toBe(true);
      expect([reader.target, reader.epoch, reader.n, reader.missed]).toEqual(["u", "e", 1, null]);
    }),
  );
});
