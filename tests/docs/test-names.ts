import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./code-blocks.ts";

/** No test has this name, so that all are listed and none is run. */
const NO_TEST = "list the tests and run none, 7f3a";

/**
 * The names of the tests in these files, by file: each with the names of the groups around it, joined by ` > `. The names of
 * tests made from tables are those that the tables make. The files are loaded for it, and no test in them is run.
 * @throws {Error} where a file does not load.
 */
export async function testNames(files: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const folder = await mkdtemp(join(tmpdir(), "tidings-names-"));
  try {
    const report = join(folder, "names.xml");
    const words = ["test", "--reporter=junit", `--reporter-outfile=${report}`, "-t", NO_TEST];
    const child = Bun.spawn([process.execPath, ...words, ...files.map((file) => `./${file}`)], {
      cwd: root,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const said = await new Response(child.stderr).text();
    await child.exited;
    if (!(await Bun.file(report).exists())) throw new Error(`the tests cannot be listed:\n${said}`);
    return readReport(await Bun.file(report).text());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readReport(xml: string): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const [, attributes = ""] of xml.matchAll(/<testcase ([^>]*)>/g)) {
    const read = (key: string): string =>
      unescape(new RegExp(`(?:^| )${key}="([^"]*)"`).exec(attributes)?.[1] ?? "");
    const file = read("file");
    const groups = read("classname");
    const isGrouped = groups !== "" && groups !== file;
    const list = names.get(file) ?? [];
    list.push(isGrouped ? `${groups} > ${read("name")}` : read("name"));
    names.set(file, list);
  }
  return names;
}

function unescape(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll(/&#(x?)([0-9a-f]+);/gi, (_, hex: string, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, hex === "" ? 10 : 16)),
    )
    .replaceAll("&amp;", "&");
}
