import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { excerpt, plainLine } from "./excerpt.ts";
import { search } from "./search.ts";
import { splitSections } from "./sections.ts";

const protocol = `# Protocol

What goes over the wire.

## Close codes

Why the relay closes a connection.

| code | reason |
| --- | --- |
| 1001 | the relay is shutting down |
| 4401 | the token is missing, refused or expired |
| 4408 | no sign of life |
| 4409 | replaced by a newer connection |
| 4429 | too many messages |
| 4480 | the client reads too slowly |

### Coming back

Wait for \`retry_after_ms\`.

## Example

\`\`\`sh
# this is a comment, not a heading
redis-cli publish updates '…'
\`\`\`
`;

describe("sections", () => {
  test("each heading begins a section that knows the headings above it", () => {
    const headings = splitSections("docs/protocol.md", protocol).map(({ heading }) => heading);
    expect(headings).toEqual(["Protocol", "Close codes", "Close codes › Coming back", "Example"]);
  });

  test("a # inside a code block is no heading", () => {
    const example = splitSections("docs/protocol.md", protocol).at(-1);
    expect(example?.body).toContain("# this is a comment");
  });

  test("text before the first heading goes by the name of its file", () => {
    expect(splitSections("a.md", "hello")).toEqual([{ file: "a.md", heading: "a.md", body: "hello" }]);
  });

  test("no text is lost and none is invented, whatever the document", () => {
    const line = fc.oneof(fc.string(), fc.constantFrom("# a", "## b", "```", "~~~", "", "### c"));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const text = lines.join("\n");
        for (const { body } of splitSections("a.md", text)) {
          expect(text.replaceAll("\r\n", "\n")).toContain(body);
        }
      }),
    );
  });
});

describe("search", () => {
  const sections = splitSections("docs/protocol.md", protocol);

  test("the section with the rarest words of the question comes first", () => {
    expect(search(sections, "What does close code 4480 mean?", 3)[0]?.section.heading).toBe("Close codes");
  });

  test("other forms of a word are found", () => {
    expect(search(sections, "commented", 3)[0]?.section.heading).toBe("Example");
    expect(search(sections, "connections", 3)[0]?.section.heading).toBe("Close codes");
  });

  test("a part of a compound name finds the whole", () => {
    expect(search(sections, "retry", 3)[0]?.section.heading).toBe("Close codes › Coming back");
  });

  test("a question without a known word finds nothing", () => {
    expect(search(sections, "zebra", 3)).toEqual([]);
    expect(search(sections, "what is the", 3)).toEqual([]);
    expect(search([], "zebra", 3)).toEqual([]);
  });

  test("scores are finite and fall, whatever the question", () => {
    fc.assert(
      fc.property(fc.string(), (question) => {
        const scores = search(sections, question, 10).map(({ score }) => score);
        expect(scores.every((score) => Number.isFinite(score) && score > 0)).toBe(true);
        expect(scores).toEqual(scores.toSorted((one, other) => other - one));
      }),
    );
  });
});

describe("excerpts", () => {
  test("a long table keeps its head and the rows that the question is about", () => {
    const section = splitSections("docs/protocol.md", protocol)[1];
    const found = excerpt(section ?? { file: "", heading: "", body: "" }, "token expired 4401", 400);
    expect(found).toContain("| code | reason |");
    expect(found).toContain("4401");
    expect(found.split("\n").filter((line) => line.startsWith("| 4") || line.startsWith("| 1"))).toHaveLength(
      5,
    );
  });

  test("a plain line has no marks of Markdown and keeps its limit", () => {
    expect(plainLine("> **Bold** and `code`\n\n| a | b |\n| --- | --- |", 100)).toBe("Bold and code a b");
    expect(plainLine("word ".repeat(100), 20)).toHaveLength(20);
  });
});
