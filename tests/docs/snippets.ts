import { type CodeBlock, codeBlocks, readDocument } from "./code-blocks.ts";

/** The code of one document. A test takes what it runs, and can tell at the end that nothing was left out. */
export class Snippets {
  readonly #path: string;
  readonly #blocks: readonly CodeBlock[];
  readonly #left: Set<CodeBlock>;

  constructor(path: string, blocks: readonly CodeBlock[]) {
    this.#path = path;
    this.#blocks = blocks;
    this.#left = new Set(blocks);
  }

  /**
   * The code of the one block under a heading in a language that holds `mark`.
   * @throws {Error} where there is none, or more than one.
   */
  take(heading: string, language: string, mark = ""): string {
    return this.#one(`${heading}, ${language}, ${mark}`, (block) => {
      return block.heading === heading && block.language === language && block.code.includes(mark);
    });
  }

  /** The code of the one block that is this file. */
  file(name: string): string {
    return this.#one(name, ({ file }) => file === name);
  }

  /** All files that the document has its reader write, by their names. */
  files(): ReadonlyMap<string, string> {
    const files = this.#blocks.filter(({ file }) => file !== "");
    return new Map(files.map(({ file }) => [file, this.file(file)]));
  }

  /** What nobody has taken, each by its heading and first line. */
  get left(): readonly string[] {
    return [...this.#left].map(({ heading, code }) => `${heading}: ${code.split("\n")[0]}`);
  }

  #one(what: string, isWanted: (block: CodeBlock) => boolean): string {
    const [found, ...more] = this.#blocks.filter(isWanted);
    if (found === undefined || more.length > 0) {
      throw new Error(`${this.#path} has ${found ? "several blocks" : "no block"} for ${what}`);
    }
    this.#left.delete(found);
    return found.code;
  }
}

/** Reads the code of a document, by its path from the root. */
export async function readSnippets(path: string): Promise<Snippets> {
  return new Snippets(path, codeBlocks(await readDocument(path)));
}
