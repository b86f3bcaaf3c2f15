/** A piece of a line: plain, or with one of the marks that answers use. */
export interface Span {
  readonly kind: "plain" | "code" | "strong" | "emphasis";
  readonly text: string;
}

/** A block of an answer. */
export type Block =
  | { readonly kind: "paragraph" | "heading"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "list"; readonly isOrdered: boolean; readonly items: readonly string[] }
  | {
      readonly kind: "table";
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly kind: "quote"; readonly blocks: readonly Block[] };

const fence = /^\s*(?:`{3,}|~{3,})/;
const quoted = /^\s*> ?/;
const item = /^\s*(?:[-*+]|\d+[.)])\s+/;
const heading = /^#{1,6}\s+/;
const tableRule = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

/** Reads the part of Markdown that answers use, in an answer that may still grow. */
export function readBlocks(markdown: string, depth = 0): readonly Block[] {
  const lines = markdown.split("\n");
  const blocks: Block[] = [];
  let at = 0;
  const takeWhile = (test: (line: string, index: number) => boolean): readonly string[] => {
    const from = at;
    while (at < lines.length && test(lines[at] ?? "", at)) at += 1;
    return lines.slice(from, at);
  };

  while (at < lines.length) {
    const line = lines[at] ?? "";
    if (line.trim() === "") {
      at += 1;
    } else if (fence.test(line)) {
      at += 1;
      blocks.push({ kind: "code", text: takeWhile((next) => !fence.test(next)).join("\n") });
      at += 1;
    } else if (quoted.test(line) && depth < 4) {
      const inner = takeWhile((next) => quoted.test(next)).map((next) => next.replace(quoted, ""));
      blocks.push({ kind: "quote", blocks: readBlocks(inner.join("\n"), depth + 1) });
    } else if (heading.test(line)) {
      at += 1;
      blocks.push({ kind: "heading", text: line.replace(heading, "") });
    } else if (item.test(line)) {
      const isOrdered = /^\s*\d/.test(line);
      const taken = takeWhile((next) => item.test(next) || /^\s{2,}\S/.test(next));
      blocks.push({ kind: "list", isOrdered, items: itemsOf(taken) });
    } else if (beginsTable(line, lines[at + 1])) {
      const [head = "", , ...rows] = takeWhile((next) => next.includes("|"));
      blocks.push({ kind: "table", head: cellsOf(head), rows: rows.map(cellsOf) });
    } else {
      const from = at;
      const taken = takeWhile((next, index) => next.trim() !== "" && (index === from || !startsBlock(next)));
      blocks.push({ kind: "paragraph", text: taken.join(" ") });
    }
  }
  return blocks;
}

/**
 * Splits a line at its marks. A mark that is not closed yet reaches to the end; of a link only its words remain.
 */
export function readSpans(line: string): readonly Span[] {
  const spans: Span[] = [];
  let plain = 0;
  for (const match of line.matchAll(
    /`([^`]+)(?:`|$)|\*\*([^*]+)(?:\*\*|\*?$)|(?<![\w*])\*([^*\s][^*]*)\*(?!\w)|!?\[([^\]]+)\]\([^)]*\)/g,
  )) {
    if (match.index > plain) spans.push({ kind: "plain", text: line.slice(plain, match.index) });
    const [whole, code, strong, emphasis, link] = match;
    if (code !== undefined) spans.push({ kind: "code", text: code });
    else if (strong !== undefined) spans.push({ kind: "strong", text: strong.replaceAll("`", "") });
    else if (emphasis !== undefined) spans.push({ kind: "emphasis", text: emphasis });
    else spans.push({ kind: "plain", text: link ?? "" });
    plain = match.index + whole.length;
  }
  if (plain < line.length) spans.push({ kind: "plain", text: line.slice(plain) });
  return spans;
}

/**
 * Cuts an answer where a blank line ends a part for good. While the answer grows only the last part changes, so that what
 * was drawn need not be drawn again.
 */
export function partsOf(markdown: string): readonly string[] {
  const parts: string[] = [];
  let lines: string[] = [];
  let isCode = false;
  const finish = (): void => {
    // A slice would keep the whole answer of its time in memory; what is joined with a line break is a copy.
    parts.push(`${lines.join("\n")}\n`);
    lines = [];
  };
  for (const line of markdown.split("\n")) {
    if (fence.test(line)) isCode = !isCode;
    lines.push(line);
    if (!isCode && line.trim() === "") finish();
  }
  finish();
  return parts.filter((part) => part.trim() !== "");
}

/** Parts in a section. */
const sectionLength = 16;

/**
 * Joins the parts of an answer to sections. A browser looks after each element of its own that may be out of sight, so a
 * long answer has few of them; while it grows only its last section changes.
 */
export function sectionsOf(markdown: string): readonly string[] {
  const parts = partsOf(markdown);
  const sections: string[] = [];
  for (let at = 0; at < parts.length; at += sectionLength) {
    // The last line break is none of the answer's: each part has one more than its lines.
    sections.push(
      parts
        .slice(at, at + sectionLength)
        .join("")
        .slice(0, -1),
    );
  }
  return sections;
}

/** A table whose rule has not come yet, or not as a whole, is one already. */
function beginsTable(line: string, next: string | undefined): boolean {
  if (next !== undefined && tableRule.test(next)) return line.includes("|");
  return /^\s*\|/.test(line) && (next === undefined || /^[\s|:-]*$/.test(next));
}

function startsBlock(line: string): boolean {
  return fence.test(line) || quoted.test(line) || heading.test(line) || item.test(line);
}

function itemsOf(lines: readonly string[]): readonly string[] {
  const items: string[] = [];
  for (const line of lines) {
    if (item.test(line)) items.push(line.replace(item, ""));
    else items.push(`${items.pop() ?? ""} ${line.trim()}`);
  }
  return items;
}

function cellsOf(row: string): readonly string[] {
  return row
    .trim()
    .replaceAll(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}
