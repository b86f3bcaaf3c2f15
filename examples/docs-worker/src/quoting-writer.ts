import type { AnswerWriter, Finding, Pause } from "./answer-writer.ts";

/** Milliseconds between two pieces, and words in each: about the pace at which a language model writes. */
const pieceInterval = 40;
const wordsPerPiece = 2;

const nothingFound =
  "The documentation says nothing that matches these words. Other words may find more: " +
  "try the name of a setting, a close code or a command.";

/** Answers by quoting what was found, without a language model and without the network. */
export function quotingWriter(pause: Pause): AnswerWriter {
  return async function* write(_question, findings, signal) {
    for (const piece of pieces(quotation(findings))) {
      yield piece;
      await pause(pieceInterval, signal);
    }
  };
}

function quotation(findings: readonly Finding[]): string {
  const [best, ...others] = findings;
  if (best === undefined) {
    return nothingFound;
  }
  const parts = [`The documentation answers this in ${place(best)}:`, asQuote(best.excerpt)];
  for (const finding of others) parts.push(`See also ${place(finding)}:`, asQuote(finding.excerpt));
  return parts.join("\n\n");
}

function place({ section }: Finding): string {
  return `**${section.heading}** (\`${section.file}\`)`;
}

function asQuote(markdown: string): string {
  return markdown
    .split("\n")
    .map((line) => (line === "" ? ">" : `> ${line}`))
    .join("\n");
}

/** Cuts a text into pieces of a few words each; joined, they are the text again. */
function pieces(text: string): readonly string[] {
  return (
    text.match(new RegExp(`(?:\\s*\\S+){1,${wordsPerPiece}}\\s*$|(?:\\s*\\S+){1,${wordsPerPiece}}`, "g")) ??
    []
  );
}
