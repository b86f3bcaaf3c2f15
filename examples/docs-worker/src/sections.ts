import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** One part of a document: everything between a heading and the next. */
export interface Section {
  /** Path from the root of the documentation, with forward slashes. */
  readonly file: string;
  /** The headings that lead here, outermost first, joined by " › ". */
  readonly heading: string;
  /** The Markdown below the heading, without the heading itself. */
  readonly body: string;
}

const rootFiles = ["README.md", "ARCHITECTURE.md"];
const folder = "docs";

/**
 * Reads the documentation below `root`: README.md, ARCHITECTURE.md and docs/*.md, as far as they exist.
 * @throws when a file that exists cannot be read.
 */
export async function readSections(root: string): Promise<readonly Section[]> {
  const inFolder = await orNothing(readdir(join(root, folder)), []);
  const files = [
    ...rootFiles,
    ...inFolder
      .filter((name) => name.endsWith(".md"))
      .toSorted()
      .map((name) => `${folder}/${name}`),
  ];
  const documents = await Promise.all(
    files.map(async (file) => splitSections(file, await orNothing(readFile(join(root, file), "utf8"), ""))),
  );
  return documents.flat();
}

/**
 * Splits a Markdown document at its headings. A `#` inside a code block is no heading; an empty section is
 * left out.
 */
export function splitSections(file: string, markdown: string): readonly Section[] {
  const sections: Section[] = [];
  const path: string[] = [];
  let lines: string[] = [];
  let fence: string | null = null;

  const finish = (): void => {
    const body = lines.join("\n").trim();
    if (body !== "") sections.push({ file, heading: headingOf(path, file), body });
    lines = [];
  };

  for (const line of markdown.split(/\r?\n/)) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined && fence === null) fence = mark;
    else if (mark !== undefined && fence !== null && mark.startsWith(fence)) fence = null;

    const heading = fence === null ? /^(#{1,6})\s+(.+?)\s*#*$/.exec(line) : null;
    if (heading === null) {
      lines.push(line);
      continue;
    }
    finish();
    path.length = Math.min(path.length, (heading[1] ?? "").length - 1);
    path.push(plainText(heading[2] ?? ""));
  }
  finish();
  return sections;
}

/** The title of a document is left out where a deeper heading says more. */
function headingOf(path: readonly string[], file: string): string {
  const named = path.length > 1 ? path.slice(1) : path;
  return named.length === 0 ? file : named.join(" › ");
}

function plainText(markdown: string): string {
  return markdown.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[`*]/g, "");
}

async function orNothing<T>(reading: Promise<T>, nothing: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return nothing;
    throw error;
  }
}
