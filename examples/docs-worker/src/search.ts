import type { Section } from "./sections.ts";

/** A section that was found, with its rank's weight: higher is better. */
export interface Hit {
  readonly section: Section;
  readonly score: number;
}

/** Term saturation and length normalisation of BM25, at the values that Lucene uses. */
const k1 = 1.2;
const b = 0.75;

/** How many times a word in a heading counts. */
const headingWeight = 3;

const stopWords = new Set(
  (
    "a about an and any are as at be but by can could did do does for from get give had has have how " +
    "i if in into is it its me my no not of on one or should so some tell than that the their them " +
    "then there these they this to use used using was we what when where which who why will with " +
    "would you your"
  ).split(" "),
);

/**
 * The words of a text that a search goes by: lower case, without stop words, plural and compound names cut
 * down.
 */
export function termsOf(text: string): readonly string[] {
  const terms: string[] = [];
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}_]*/gu) ?? []) {
    if (stopWords.has(word)) continue;
    terms.push(stem(word));
    if (word.includes("_")) terms.push(...word.split("_").filter(Boolean).map(stem));
  }
  return terms;
}

/**
 * Ranks sections by how well they fit the question (BM25), best first. A section without any of its words is
 * no hit.
 */
export function search(sections: readonly Section[], question: string, limit: number): readonly Hit[] {
  const wanted = new Set(termsOf(question));
  const documents = sections.map((section) => {
    const heading = termsOf(section.heading);
    const counts = new Map<string, number>();
    for (const term of heading) counts.set(term, (counts.get(term) ?? 0) + headingWeight);
    const body = termsOf(section.body);
    for (const term of body) counts.set(term, (counts.get(term) ?? 0) + 1);
    return { section, counts, length: heading.length + body.length };
  });
  const averageLength = documents.reduce((sum, { length }) => sum + length, 0) / (documents.length || 1);

  const rarity = new Map<string, number>();
  for (const term of wanted) {
    const having = documents.filter(({ counts }) => counts.has(term)).length;
    rarity.set(term, Math.log(1 + (documents.length - having + 0.5) / (having + 0.5)));
  }

  return documents
    .map(({ section, counts, length }) => {
      let score = 0;
      for (const [term, weight] of rarity) {
        const count = counts.get(term) ?? 0;
        score += (weight * count * (k1 + 1)) / (count + k1 * (1 - b + (b * length) / averageLength));
      }
      return { section, score };
    })
    .filter(({ score }) => score > 0)
    .toSorted((one, other) => other.score - one.score)
    .slice(0, limit);
}

/** Brings the common English endings together; a crude stem is enough to rank a few hundred sections. */
function stem(word: string): string {
  if (word.length > 5 && word.endsWith("ing")) return word.slice(0, -3);
  if (word.length > 4 && word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (word.length > 5 && word.endsWith("ly")) return word.slice(0, -2);
  if (word.length > 4 && word.endsWith("ed")) return word.slice(0, -2);
  if (word.length > 3 && word.endsWith("s") && !word.endsWith("ss")) return stem(word.slice(0, -1));
  return word.length > 4 && word.endsWith("e") ? word.slice(0, -1) : word;
}
