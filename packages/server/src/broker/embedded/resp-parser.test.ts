import { expect, test } from "bun:test";
import fc from "fast-check";
import { textOf } from "./channel-name.ts";
import { RESP_LIMITS } from "./resp-limits.ts";
import { RespParser } from "./resp-parser.ts";
import { command } from "./resp-test-client.ts";

interface Outcome {
  readonly commands: string[][];
  readonly fault: string | null;
}

/** Feeds the chunks one by one, and gives what came out; bytes become one character each. */
function parse(chunks: readonly (string | Uint8Array)[], parser: RespParser = new RespParser()): Outcome {
  const commands: string[][] = [];
  for (const chunk of chunks) {
    parser.feed(typeof chunk === "string" ? Buffer.from(chunk, "latin1") : chunk);
    for (;;) {
      const parsed = parser.next();
      if (parsed.type === "fault") return { commands, fault: parsed.message };
      if (parsed.type === "incomplete") break;
      commands.push(parsed.line.map((word) => Buffer.from(word).toString("latin1")));
    }
  }
  return { commands, fault: null };
}

/** Cuts bytes at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return sorted.slice(1).map((end, index) => bytes.slice(sorted[index], end));
}

const word = fc.uint8Array({ maxLength: 30 });
const line = fc.array(word, { minLength: 1, maxLength: 6 });
const places = fc.array(fc.nat(), { maxLength: 40 });

test("any stream of commands, cut anywhere, parses to the same commands", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), places, (lines, where) => {
      const expected = lines.map((words) => words.map((bytes) => Buffer.from(bytes).toString("latin1")));
      const stream = Buffer.concat(lines.map((words) => command(...words)));
      expect(parse(cut(stream, where))).toEqual({ commands: expected, fault: null });
    }),
    { numRuns: 500 },
  );
});

test("inline commands among others, cut anywhere, parse to the same commands", () => {
  const inline = fc.stringMatching(/^[a-z]{1,8}( [a-z0-9]{1,8}){0,3}$/);
  fc.assert(
    fc.property(fc.array(fc.oneof(inline, line), { maxLength: 8 }), places, (items, where) => {
      const stream = Buffer.concat(
        items.map((item) => (typeof item === "string" ? Buffer.from(`${item}\r\n`) : command(...item))),
      );
      expect(parse(cut(stream, where))).toEqual(parse([stream]));
      expect(parse([stream]).commands).toHaveLength(items.length);
    }),
  );
});

test("garbage never throws, and a fault does not depend on where the bytes were cut", () => {
  const token = fc.constantFrom(
    "*",
    "$",
    "\r",
    "\n",
    "\r\n",
    "1",
    "2",
    "-1",
    "x",
    '"',
    "'",
    "\\",
    " ",
    "*1\r\n$1\r\n",
  );
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.array(token, { maxLength: 60 }).map((tokens) => new Uint8Array(Buffer.from(tokens.join("")))),
  );
  fc.assert(
    fc.property(garbage, places, (bytes, where) => {
      expect(parse(cut(bytes, where))).toEqual(parse([bytes]));
    }),
    { numRuns: 2_000 },
  );
});

test("the commands do not change when the fed chunk is reused", () => {
  const parser = new RespParser();
  const chunk = new Uint8Array(command("PUBLISH", "updates", "payload"));
  parser.feed(chunk);
  const parsed = parser.next();
  chunk.fill(0);
  expect(parsed.type === "command" ? parsed.line.map(textOf) : []).toEqual(["PUBLISH", "updates", "payload"]);
});

test("empty commands are passed over", () => {
  expect(parse(["*0\r\n*-1\r\n\r\n   \r\nPING\r\n"]).commands).toEqual([["PING"]]);
});

test("an inline command takes quotes and escapes as Redis does", () => {
  expect(parse(["ECHO \"a b\\x41\\n\\\"\" 'it\\'s\\n'\n"]).commands).toEqual([
    ["ECHO", 'a bA\n"', "it's\\n"],
  ]);
  expect(parse(['ECHO "open\r\n']).fault).toBe("ERR Protocol error: unbalanced quotes in request");
  expect(parse(['ECHO "a"b\r\n']).fault).toBe("ERR Protocol error: unbalanced quotes in request");
});

const faults: readonly (readonly [string, string])[] = [
  ["*x\r\n", "invalid multibulk length"],
  ["*01\r\n", "invalid multibulk length"],
  [`*${1024 * 1024 + 1}\r\n`, "invalid multibulk length"],
  ["*99999999999999999999\r\n", "invalid multibulk length"],
  ["*1\r\n:4\r\n", "expected '$', got ':'"],
  ["*1\r\n$-1\r\n", "invalid bulk length"],
  ["*1\r\n$4x\r\n", "invalid bulk length"],
  [`*1\r\n$${64 * 1024 * 1024 + 1}\r\n`, "invalid bulk length"],
  [`*3\r\n$67108863\r\n`, ""],
  ["x".repeat(70_000), "too big inline request"],
  [`*${"1".repeat(70_000)}`, "too big mbulk count string"],
  [`*1\r\n$${"1".repeat(70_000)}`, "too big bulk count string"],
];

for (const [bytes, fault] of faults) {
  const shown = JSON.stringify(bytes.slice(0, 30));
  test(`${shown} is ${fault === "" ? "waited for" : `answered by "${fault}"`}`, () => {
    expect(parse([bytes]).fault).toBe(fault === "" ? null : `ERR Protocol error: ${fault}`);
  });
}

test("a command that is too big as a whole is a fault although each argument is allowed", () => {
  const parser = new RespParser({ ...RESP_LIMITS, maxBulkBytes: 1_000, maxCommandBytes: 2_000 });
  const big = "x".repeat(950);
  expect(parse([command("PUBLISH", big, big)], parser).fault).toBe("ERR Protocol error: too big command");
});

test("a parser stays at its fault", () => {
  const parser = new RespParser();
  expect(parse(["*x\r\n"], parser).fault).not.toBeNull();
  expect(parse(["PING\r\n"], parser)).toEqual({
    commands: [],
    fault: "ERR Protocol error: invalid multibulk length",
  });
});

test("a large argument in many small chunks arrives whole", () => {
  const payload = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 31) & 0xff);
  const stream = command("PUBLISH", "updates", payload);
  const chunks = Array.from({ length: Math.ceil(stream.length / 4_096) }, (_, index) =>
    stream.subarray(index * 4_096, (index + 1) * 4_096),
  );
  const [received] = parse(chunks).commands;
  expect(received?.[2] === Buffer.from(payload).toString("latin1")).toBe(true);
});
