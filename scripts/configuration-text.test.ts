import { expect, test } from "bun:test";
import { settingList } from "../packages/server/src/config/catalog.ts";
import { configurationDocs } from "./configuration-text.ts";

test("every setting stands in the documentation with its three forms, a rule and a meaning", () => {
  const lines = configurationDocs().split("\n");
  for (const { variable, flag, name, rule, meaning } of settingList) {
    const row = lines.find((line) => line.startsWith(`| \`${variable}\` | \`--${flag}\` | \`${name}\` |`));
    expect(row).toContain(rule);
    expect(meaning.length).toBeGreaterThan(20);
    expect(row).toContain(meaning);
  }
});

test("a row has as many cells as its heading", () => {
  const rows = configurationDocs()
    .split("\n")
    .filter((line) => line.startsWith("| "));
  for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(9);
});
