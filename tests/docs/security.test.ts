import { expect, setDefaultTimeout, test } from "bun:test";
import { readDocument, tableCells } from "./code-blocks.ts";
import { testNames } from "./test-names.ts";

setDefaultTimeout(300_000);

/** How many kinds of bad input stand in the second table. */
const KINDS_OF_INPUT = 38;

interface Case {
  readonly number: string;
  readonly attack: string;
  readonly answer: string;
  readonly file: string;
  readonly name: string;
}

const text = await readDocument("docs/security.md");
const rows = tableCells(text);
const cases: readonly Case[] = rows
  .filter(([number = ""]) => /^[A-Z]\d+$/.test(number))
  .map(([number = "", attack = "", answer = "", proof = ""]) => {
    const [, file = "", , name = ""] = /^([\w./-]+\.test\.ts): (`+)(.*)\2$/.exec(proof) ?? [];
    return { number, attack, answer, file, name };
  });

test("at least 120 attacks stand in the table, each once, with an answer and a proof of its own", () => {
  expect(cases.length).toBeGreaterThanOrEqual(120);
  for (const one of cases) expect(Object.values(one).every((cell) => cell !== "") ? null : one).toBeNull();
  const repeated = (key: (one: Case) => string): readonly string[] => {
    const keys = cases.map(key);
    return keys.filter((value, at) => keys.indexOf(value) !== at);
  };
  expect(repeated(({ number }) => number)).toEqual([]);
  expect(repeated(({ attack }) => attack)).toEqual([]);
  expect(repeated(({ file, name }) => `${file}: ${name}`)).toEqual([]);
});

test("each proof is a test that exists", async () => {
  const names = await testNames([...new Set(cases.map(({ file }) => file))]);
  const missing = cases.filter(({ file, name }) => {
    const ofFile = names.get(file) ?? [];
    // A name may leave out the groups around the test, and what follows a mark.
    const fits = name.endsWith("…")
      ? (full: string, part: string): boolean => full.startsWith(part.slice(0, -1))
      : (full: string, part: string): boolean => full === part;
    return !ofFile.some((full) => {
      const parts = full.split(" > ");
      return parts.some((_, at) => fits(parts.slice(at).join(" > "), name));
    });
  });
  expect(missing).toEqual([]);
});

test("every kind of bad input is tried by cases that stand in the table", () => {
  const known = new Set(cases.map(({ number }) => number));
  const inputs = rows.filter(([number = ""]) => /^\d+$/.test(number));
  expect(inputs.map(([number]) => Number(number))).toEqual(
    Array.from({ length: KINDS_OF_INPUT }, (_, at) => at + 1),
  );
  for (const [number, , named = ""] of inputs) {
    const listed = named.split(", ");
    expect({ number, unknown: listed.filter((one) => !known.has(one)) }).toEqual({ number, unknown: [] });
  }
});
