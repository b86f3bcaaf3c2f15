import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ErrorReply } from "@redis/client";
import { UpdateReader, updateFaults } from "@tidings/protocol";
import fc from "fast-check";
import { type RedisServer, startRedis } from "../../../../../tests/support/redis-server.ts";
import { WIDE } from "../log-contract/under-test.ts";
import { librarySource } from "./function-library.ts";
import { logKey } from "./redis-log.ts";
import { RedisShell } from "./redis-shell.ts";

const MAX_BYTES = 200_000;
const reader = new UpdateReader({ maxBytes: MAX_BYTES });
let redis: RedisServer;
let shell: RedisShell;

beforeAll(async () => {
  redis = await startRedis();
  shell = await RedisShell.open(redis.url);
  await shell.run("FUNCTION", "LOAD", librarySource({ ...WIDE, maxUpdateBytes: MAX_BYTES }));
});

afterAll(async () => {
  await shell[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

/** What a publish came to: the fault, or what was stored; text in it is bytes. */
interface Verdict {
  readonly fault: string | null;
  readonly frame?: string;
  readonly id?: string | null;
  readonly seq?: number | null;
  readonly producer?: string | null;
}

/** What the relay's own reader says. */
function expected(update: Uint8Array): Verdict {
  const fault = reader.read(update);
  if (fault !== null) return { fault };
  const { idText, seq, producerText } = reader;
  const producer = seq === null || producerText === null ? null : String(JSON.parse(producerText));
  return { fault: null, frame: latin1(Buffer.from(reader.frame())), id: idText, seq, producer };
}

/** What the function says, each time of an empty log. */
async function published(update: Uint8Array): Promise<Verdict> {
  const key = logKey(reader.read(update) === null ? reader.target : "nobody");
  await shell.run("FLUSHALL");
  try {
    expect(await shell.run("FCALL", "tidings_publish", "1", key, update)).toMatch(/^[0-9a-f]{10}\.1$/);
  } catch (error) {
    if (!(error instanceof ErrorReply)) throw error;
    const [, fault = "", sentence] = /^ERR tidings: (\w+): (.*)$/.exec(error.message) ?? [];
    expect(sentence).toBe(new Map<string, string>(Object.entries(updateFaults)).get(fault) ?? error.message);
    expect(await shell.run("EXISTS", key)).toBe(0);
    return { fault };
  }
  const [entry] = (await shell.bytes("XRANGE", key, "-", "+")) as [[Buffer, Buffer[]]];
  const [, frame = Buffer.alloc(0), ...rest] = entry[1];
  const field = (name: string): string | null =>
    rest[rest.findIndex((key) => key.equals(Buffer.from(name))) + 1]?.toString() ?? null;
  const counter = rest.some((key) => key.toString() === "s") ? /^(\d+) (.*)$/s.exec(field("s") ?? "") : null;
  const hasId = rest.some((key) => key.toString() === "i");
  return {
    fault: null,
    frame: latin1(frame),
    id: hasId ? field("i") : null,
    seq: counter === null ? null : Number(counter[1]),
    producer: counter?.[2] === undefined || counter[2] === "" ? null : String(JSON.parse(counter[2])),
  };
}

const latin1 = (bytes: Buffer): string => bytes.toString("latin1");
const encode = (text: string): Buffer => Buffer.from(text);

const scrap = fc.constantFrom(
  ...'{}[],:"\\ \n\t0123456789-+.eEtfnu/'.split(""),
  "true",
  "false",
  "null",
  '"a"',
  '"\\u0041"',
  '"\\ud800"',
  '"é"',
  '"😀"',
  "\u0000",
  "\u001f",
  "\u007f",
  "\ufeff",
  "1e400",
  "-0",
  "01",
  "1.",
  ".5",
  '{"a":1}',
  "[1,2]",
  '"a":',
  '"target_user_id":"ann",',
  '"type":"t",',
  '"payload":1',
  '"id":"x",',
  ',"seq":3',
  ',"producer":"p"',
);

/** A name as a hostile worker may write it: each character as it is or as an escape. */
const spelled = (name: string): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(false, false, true), { minLength: name.length, maxLength: name.length })
    .map(
      (escapes) =>
        `"${Array.from(name, (letter, at) =>
          escapes[at] ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}` : letter,
        ).join("")}"`,
    );

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }).map((it) => JSON.stringify(it)),
  fc.string({ unit: "binary", maxLength: 12 }).map((it) => JSON.stringify(it)),
  fc.constantFrom(
    "1e400",
    "12345678901234567890",
    "-0.0",
    "0",
    "7",
    "9007199254740991",
    "9007199254740992",
    "-1",
    "1.0",
    '"\\u0041\\/"',
    '"\\"target_user_id\\":\\"eve\\""',
    '{"target_user_id":"eve","type":"tidings.x"}',
    '"\\ud83d"',
    '"😀é"',
    '"tidings.x"',
    '"\\u0074idings."',
    '"*"',
    '"a\\u0000b"',
    '"a\\u0085b"',
    '"\u0085"',
    '"\u007f"',
    '"a}:log"',
    `"${"é".repeat(128)}"`,
    `"${"é".repeat(129)}"`,
    `"${"\\u00e9".repeat(64)}"`,
    `"${"\\u00e9".repeat(65)}"`,
    `"${"x".repeat(254)}"`,
    `"${"x".repeat(255)}"`,
    '"\\b\\f\\n\\r\\t\\"\\\\\\/\\u0001\\ud83d\\ude00"',
  ),
);

const member = fc.oneof(
  fc.tuple(spelled("target_user_id"), fc.oneof(fc.constant('"ann"'), fc.constant('"a\\u006En"'), value)),
  fc.tuple(spelled("type"), fc.oneof(fc.constant('"t"'), value)),
  fc.tuple(spelled("payload"), value),
  fc.tuple(fc.oneof(spelled("id"), spelled("seq"), spelled("producer")), value),
  fc.tuple(
    fc.string({ unit: "binary" }).map((key) => JSON.stringify(key)),
    value,
  ),
);

const space = fc.constantFrom("", "", " ", "\n\t", "\r  ");

/** An object of some of the members that matter in any order, most often a valid update. */
const update = fc
  .tuple(
    fc.array(member, { maxLength: 3 }),
    fc
      .subarray(["target_user_id", "type", "payload", "seq", "producer"], { minLength: 2 })
      .chain((names) =>
        fc.tuple(
          ...names.map((name) =>
            fc.tuple(spelled(name), name === "payload" ? value : fc.constant(name === "seq" ? "5" : '"ann"')),
          ),
        ),
      ),
    fc.array(space, { minLength: 5, maxLength: 5 }),
    fc.infiniteStream(fc.nat()),
  )
  .map(([some, most, [a, b, c, d, e], order]) => {
    const members = [...some, ...most].map((it) => ({ it, place: Number(order.next().value) }));
    const texts = members
      .toSorted((left, right) => left.place - right.place)
      .map(({ it: [key, text] }) => `${a}${key}${b}:${c}${text}${d}`);
    return encode(`${e}{${texts.join(",")}${a}}${b}`);
  });

const mutated = fc
  .tuple(
    update,
    fc.array(fc.tuple(fc.nat(), fc.constantFrom("set", "cut", "put"), fc.nat({ max: 255 }), scrap), {
      maxLength: 3,
    }),
  )
  .map(([bytes, changes]) =>
    changes.reduce((text, [at, kind, byte, more]) => {
      const place = at % (text.length + 1);
      const rest = text.subarray(kind === "put" ? place : place + 1);
      const added = kind === "set" ? Buffer.of(byte) : kind === "put" ? encode(more) : Buffer.alloc(0);
      return Buffer.concat([text.subarray(0, place), added, rest]);
    }, bytes),
  );

/** Tries every text, several at a time being cheaper than one. */
async function agrees(update: Uint8Array): Promise<void> {
  expect(await published(update)).toEqual(expected(update));
}

describe("tidings_publish", () => {
  test("takes what the relay takes, says of the rest what the relay says, and stores the same bytes", async () => {
    const seen = new Map<string | null, number>();
    await fc.assert(
      fc.asyncProperty(fc.oneof(update, mutated), async (bytes) => {
        const { fault } = expected(bytes);
        seen.set(fault, (seen.get(fault) ?? 0) + 1);
        await agrees(bytes);
      }),
      { numRuns: 3_000 },
    );
    expect(seen.get(null)).toBeGreaterThan(300);
    expect(seen.size).toBeGreaterThan(8);
  }, 120_000);

  test("agrees with the relay on what is nearly JSON, and on every kind of UTF-8", async () => {
    const around = (inner: Uint8Array): Buffer =>
      Buffer.concat([encode('{"target_user_id":"ann","type":"t","payload":"'), inner, encode('"}')]);
    const near = fc.array(scrap, { maxLength: 24 }).map((parts) => encode(parts.join("")));
    const payload = near.map((text) =>
      Buffer.concat([encode('{"target_user_id":"ann","type":"t","payload":'), text, encode("}")]),
    );
    const utf8 = fc.uint8Array({ minLength: 1, maxLength: 6 });
    const high = fc.array(
      fc.constantFrom(
        0x80,
        0x8f,
        0x90,
        0x9f,
        0xa0,
        0xbf,
        0xc0,
        0xc1,
        0xc2,
        0xdf,
        0xe0,
        0xe1,
        0xed,
        0xef,
        0xf0,
        0xf1,
        0xf4,
        0xf5,
        0x41,
      ),
      { minLength: 1, maxLength: 6 },
    );
    const text = fc.oneof(
      near,
      payload,
      utf8.map(around),
      high.map((list) => around(Uint8Array.from(list))),
    );
    await fc.assert(fc.asyncProperty(text, agrees), { numRuns: 4_000 });
  }, 120_000);

  test("nests as deeply as the update is large, and takes it at its limit and not a byte beyond", async () => {
    const deep = (open: string, close: string, depth: number): Buffer =>
      encode(`{"target_user_id":"ann","type":"t","payload":${open.repeat(depth)}1${close.repeat(depth)}}`);
    for (const bytes of [
      deep("[", "]", 90_000),
      deep('{"a":', "}", 30_000),
      deep("[", "}", 50),
      deep("[[", "]", 50),
    ]) {
      await agrees(bytes);
    }
    const empty = '{"target_user_id":"ann","type":"t","payload":""}';
    for (const size of [MAX_BYTES, MAX_BYTES + 1]) {
      await agrees(encode(empty.replace('""', `"${"x".repeat(size - empty.length)}"`)));
    }
  });

  test("names the key that belongs to the target where it was given another", async () => {
    const update = '{"target_user_id":"ann","type":"t","payload":1}';
    for (const key of [logKey("bob"), "tidings:ann:log", logKey("*")]) {
      const reply = shell.run("FCALL", "tidings_publish", "1", key, update);
      expect(reply).rejects.toThrow(
        "ERR tidings: key_mismatch: the key of the log of this user is tidings:{ann}:log",
      );
    }
    expect(shell.run("FCALL", "tidings_publish", "0")).rejects.toThrow("ERR tidings: usage: ");
  });
});
