import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { readBlocks, readSpans, spokenText } from "./markup.ts";

test("an answer is read as paragraphs, quotes, lists, tables and code", () => {
  const markdown =
    "One\ntwo\n\n> quoted\n> - a\n> - b\n\n| x | y |\n| --- | --- |\n| 1 | 2 |\n\n```ts\n# code\n```\n## Head";
  expect(readBlocks(markdown)).toEqual([
    { kind: "paragraph", text: "One two" },
    {
      kind: "quote",
      blocks: [
        { kind: "paragraph", text: "quoted" },
        { kind: "list", isOrdered: false, items: ["a", "b"] },
      ],
    },
    { kind: "table", head: ["x", "y"], rows: [["1", "2"]] },
    { kind: "code", text: "# code" },
    { kind: "heading", text: "Head" },
  ]);
});

test("a line is split at its marks, and an open mark is plain", () => {
  expect(readSpans("a `b` **c** [d](e.md) `f")).toEqual([
    { kind: "plain", text: "a " },
    { kind: "code", text: "b" },
    { kind: "plain", text: " " },
    { kind: "strong", text: "c" },
    { kind: "plain", text: " " },
    { kind: "plain", text: "d" },
    { kind: "plain", text: " `f" },
  ]);
});

test("any text is read to its end, however deep or broken", () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom("> > > > > > a", "```", "- a", "| a |", "| --- |", "", "1. x", "#"),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      for (const block of readBlocks(lines.join("\n"))) expect(block.kind).toBeString();
    }),
  );
});

test("what is read aloud has words and no marks", () => {
  expect(spokenText("> **Yes**, `now`.\n\n| a | b |\n| --- | --- |")).toBe("Yes, now. a b");
});
