import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** The root of the checkout. */
export const root: string = join(import.meta.dirname, "../..");

/** One fenced block of a Markdown file. */
export interface CodeBlock {
  readonly language: string;
  /** The nearest heading above it, without its `#`. */
  readonly heading: string;
  /** The name of the file that it is, where the paragraph above begins with one in backquotes; else empty. */
  readonly file: string;
  readonly code: string;
}

/** The text of a file of the project. */
export function readDocument(path: string): Promise<string> {
  return Bun.file(join(root, path)).text();
}

/** Every Markdown file that people read, by its path from the root. */
export async function documents(): Promise<readonly string[]> {
  const inDocs = (await readdir(join(root, "docs"), { recursive: true })).map((name) => `docs/${name}`);
  return [...(await readdir(root)), ...inDocs].filter((path) => path.endsWith(".md")).toSorted();
}

/** The fenced blocks of a Markdown text, in their order. */
export function codeBlocks(markdown: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let heading = "";
  let paragraph = "";
  let isNewParagraph = true;
  let open: { readonly language: string; readonly lines: string[] } | null = null;
  for (const line of markdown.split("\n")) {
    const fence = /^```(\w*)$/.exec(line);
    if (fence !== null && open === null) open = { language: fence[1] ?? "", lines: [] };
    else if (fence !== null && open !== null) {
      const file = /^`([\w./-]+\.\w+)`/.exec(paragraph)?.[1] ?? "";
      blocks.push({ language: open.language, heading, file, code: `${open.lines.join("\n")}\n` });
      open = null;
      paragraph = "";
    } else if (open !== null) open.lines.push(line);
    else {
      heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
      if (line !== "") paragraph = isNewParagraph ? line : paragraph;
      isNewParagraph = line === "";
    }
  }
  return blocks;
}

/** The rows of the first table whose header begins with `column`, cell by cell, without header and rule. */
export function tableRows(markdown: string, column: string): readonly (readonly string[])[] {
  const lines = markdown.split("\n");
  const start = lines.findIndex((line) => cells(line)[0] === column);
  if (start === -1) throw new Error(`there is no table whose first column is ${column}`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
  return lines.slice(start + 2, end === -1 ? undefined : end).map(cells);
}

/** The rows of all tables, cell by cell, headers and rules among them. */
export function tableCells(markdown: string): readonly (readonly string[])[] {
  return markdown
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map(cells);
}

function cells(line: string): readonly string[] {
  if (!line.startsWith("|")) return [];
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}
