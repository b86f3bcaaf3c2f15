import { termsOf } from "./search.ts";
import type { Section } from "./sections.ts";

const maxTableRows = 5;
const maxCodeLines = 14;

/** How much a text says about the question. */
type Weigh = (text: string) => number;

/** The part of a section that says most about the question, as Markdown of about `budget` characters. */
export function excerpt(section: Section, question: string, budget: number): string {
  const texts = blocksOf(section.body);
  const weigh = rarityOf(texts, new Set(termsOf(question)));
  const blocks = texts.map((whole, position) => {
    const text = shorten(whole, weigh);
    return { text, position, score: weigh(text) };
  });
  const ranked = blocks.toSorted((one, other) => other.score - one.score || one.position - other.position);
  const best = ranked[0]?.score ?? 0;
  const chosen: typeof blocks = [];
  let length = 0;
  for (const block of ranked) {
    if (chosen.length > 0 && (length + block.text.length > budget || block.score <= best / 3)) continue;
    chosen.push(block);
    length += block.text.length;
  }
  return chosen
    .toSorted((one, other) => one.position - other.position)
    .map(({ text }) => text)
    .join("\n\n");
}

/** The same as one plain line of at most `limit` characters, for a list of sources. */
export function plainLine(markdown: string, limit: number): string {
  const line = markdown
    .replaceAll(/^\s*(`{3,}|~{3,}).*$/gm, "")
    .replaceAll(/^\s*\|?[\s:|-]+\|?\s*$/gm, "")
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/^[\s>*-]+/gm, "")
    .replaceAll(/[`|]|\*\*/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length <= limit ? line : `${line.slice(0, limit - 1).trimEnd()}…`;
}

/** Paragraphs, lists, tables and whole code blocks. */
function blocksOf(markdown: string): readonly string[] {
  const blocks: string[] = [];
  let lines: string[] = [];
  let inCode = false;
  const finish = (): void => {
    if (lines.length > 0) blocks.push(lines.join("\n"));
    lines = [];
  };
  for (const line of markdown.split("\n")) {
    const isFence = /^\s*(`{3,}|~{3,})/.test(line);
    if (!inCode && (isFence || line.trim() === "")) finish();
    if (inCode || line.trim() !== "") lines.push(line);
    if (isFence && inCode) finish();
    if (isFence) inCode = !inCode;
  }
  finish();
  return blocks;
}

/** Keeps of a long table, list or listing what the question is about. */
function shorten(block: string, weigh: Weigh): string {
  const lines = block.split("\n");
  const [first = "", second = ""] = lines;
  if (first.trimStart().startsWith("|") && /^\s*\|[\s:|-]+\|?\s*$/.test(second)) {
    return [first, second, ...bestLines(lines.slice(2), weigh)].join("\n");
  }
  if (/^\s*([-*]|\d+\.)\s/.test(first)) return bestLines(lines, weigh).join("\n");
  if (/^\s*(`{3,}|~{3,})/.test(first) && lines.length > maxCodeLines) {
    return [...lines.slice(0, maxCodeLines - 2), "…", lines.at(-1) ?? first].join("\n");
  }
  return block;
}

function bestLines(lines: readonly string[], weigh: Weigh): readonly string[] {
  if (lines.length <= maxTableRows) return lines;
  return lines
    .map((line, position) => ({ line, position, score: weigh(line) }))
    .toSorted((one, other) => other.score - one.score || one.position - other.position)
    .slice(0, maxTableRows)
    .toSorted((one, other) => one.position - other.position)
    .map(({ line }) => line);
}

/** Weighs a text by the wanted words it has; a word that few of the section's blocks have weighs more. */
function rarityOf(blocks: readonly string[], wanted: ReadonlySet<string>): Weigh {
  const present = blocks.map((text) => new Set(termsOf(text)));
  const weights = new Map<string, number>();
  for (const term of wanted) {
    const having = present.filter((terms) => terms.has(term)).length;
    weights.set(term, Math.log(1 + blocks.length / (having + 0.5)));
  }
  return (text) => {
    let weight = 0;
    for (const term of new Set(termsOf(text))) weight += weights.get(term) ?? 0;
    return weight;
  };
}
