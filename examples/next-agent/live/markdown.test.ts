/// <reference types="bun" />
import { expect, test } from "bun:test";
import fc from "fast-check";
import { partsOf, readBlocks, readSpans, sectionsOf } from "./markdown.ts";

const line = fc.constantFrom(
  "",
  "",
  "words",
  "# A",
  "- item",
  "> quoted",
  "```",
  "| a | b |",
  "| - | - |",
  "1. one",
);
const text = fc.array(line, { maxLength: 120 }).map((lines) => lines.join("\n"));

test("blocks are read as they are meant", () => {
  expect(readBlocks("# A\nwords\nand more\n\n- one\n  still\n- two\n\n1. first\n\n```\na\n\nb\n```")).toEqual(
    [
      { kind: "heading", text: "A" },
      { kind: "paragraph", text: "words and more" },
      { kind: "list", isOrdered: false, items: ["one still", "two"] },
      { kind: "list", isOrdered: true, items: ["first"] },
      { kind: "code", text: "a\n\nb" },
    ],
  );
  expect(readBlocks("| a | b |\n| - | - |\n| 1 | x \\| y |")).toEqual([
    { kind: "table", head: ["a", "b"], rows: [["1", "x | y"]] },
  ]);
  expect(readBlocks("> said\n> - so")).toEqual([
    {
      kind: "quote",
      blocks: [
        { kind: "paragraph", text: "said" },
        { kind: "list", isOrdered: false, items: ["so"] },
      ],
    },
  ]);
});

test("marks of a line become spans, also one that is not closed yet, and of a link its words stay", () => {
  expect(readSpans("a `b` **c** *d* [e](https://example.com)")).toEqual([
    { kind: "plain", text: "a " },
    { kind: "code", text: "b" },
    { kind: "plain", text: " " },
    { kind: "strong", text: "c" },
    { kind: "plain", text: " " },
    { kind: "emphasis", text: "d" },
    { kind: "plain", text: " " },
    { kind: "plain", text: "e" },
  ]);
  expect(readSpans("a `b c")).toEqual([
    { kind: "plain", text: "a " },
    { kind: "code", text: "b c" },
  ]);
});

test("no word is lost or doubled, however the marks around it stand", () => {
  const count = (all: string): number => all.split("words").length;
  fc.assert(
    fc.property(text, (markdown) => {
      expect(count(JSON.stringify(readBlocks(markdown)))).toBe(count(markdown));
    }),
  );
});

test("a blank line ends a part, but not within a listing, also one that is still open", () => {
  const parts = ["words\n", "```\na\n\nb\n```\n", "```\nc\n\nd"];
  expect(partsOf(parts.join("\n")).map((part) => part.trim())).toEqual(parts.map((part) => part.trim()));
});

test("while an answer grows, only its last part and its last section change", () => {
  fc.assert(
    fc.property(text, text, (before, more) => {
      const grown = `${before}${more}`;
      for (const cut of [partsOf, sectionsOf]) {
        const settled = cut(before).slice(0, -1);
        expect(cut(grown).slice(0, settled.length)).toEqual(settled);
      }
    }),
  );
});

test("sections fall into the very parts that the answer has", () => {
  fc.assert(
    fc.property(text, (markdown) => {
      expect(sectionsOf(markdown).flatMap(partsOf)).toEqual([...partsOf(markdown)]);
    }),
  );
});
