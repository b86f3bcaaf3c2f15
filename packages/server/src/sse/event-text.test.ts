import { expect, test } from "bun:test";
import fc from "fast-check";
import { EventStreamParser, type SeenEvent } from "../../../../tests/support/event-stream-parser.ts";
import { eventText, HEARTBEAT_TEXT, retryText } from "./event-text.ts";

function parsed(text: string, cuts: readonly number[] = []): readonly SeenEvent[] {
  const parser = new EventStreamParser();
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  for (const cut of cuts) {
    parser.push(bytes.subarray(at, at + cut));
    at += cut;
  }
  parser.push(bytes.subarray(at));
  return parser.events;
}

for (const [name, lineBreak] of [
  ["line feed", "\n"],
  ["carriage return", "\r"],
  ["carriage return and line feed", "\r\n"],
  ["line feed and carriage return", "\n\r"],
] as const) {
  test(`a frame with a ${name} at every place that JSON allows arrives as one event with the same value`, () => {
    const b = lineBreak;
    const frame = `{${b}"type"${b}:${b}"t",${b}${b} "payload":[1,${b}"a\\nb"]${b}}${b}`;
    const [event, ...more] = parsed(eventText(frame, "e.1"));
    expect(more).toEqual([]);
    expect(event?.lastEventId).toBe("e.1");
    expect(JSON.parse(event?.data ?? "")).toEqual(JSON.parse(frame));
  });
}

test("any JSON, spaced in any way and cut anywhere on its way, arrives as the text it was but for its line breaks", () => {
  const space = fc.stringMatching(/^[ \t\n\r]{0,4}$/);
  const frames = fc.array(
    fc.record({ value: fc.jsonValue(), spaces: fc.array(space, { minLength: 1, maxLength: 9 }) }),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 40 }), (drawn, cuts) => {
      const texts = drawn.map(({ value, spaces }) => spaced(JSON.stringify({ payload: value }), spaces));
      const stream =
        `${retryText(1_000)}\n` +
        texts.map((text, n) => eventText(text, n % 3 === 0 ? null : `e.${n}`) + HEARTBEAT_TEXT).join("");
      const events = parsed(stream, cuts);
      expect(events.map(({ data }) => data)).toEqual(texts.map((text) => text.replace(/\r\n?/g, "\n")));
      for (const [n, { data }] of events.entries())
        expect(JSON.parse(data)).toEqual(JSON.parse(texts[n] ?? ""));
    }),
  );
});

test("an event without an id leaves a client at the id before it", () => {
  const events = parsed(eventText("{}", "e.1,*b.2") + eventText("{}", null));
  expect(events.map(({ lastEventId }) => lastEventId)).toEqual(["e.1,*b.2", "e.1,*b.2"]);
});

/** Puts the spaces, one after the other, between the tokens of a JSON text. */
function spaced(json: string, spaces: readonly string[]): string {
  let next = 0;
  const tokens = json.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^"{}[\],:]+/g) ?? [];
  return tokens.map((token) => `${spaces[next++ % spaces.length]}${token}`).join("");
}
