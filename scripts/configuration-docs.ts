import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { configurationDocs } from "./configuration-text.ts";

const path = fileURLToPath(new URL("../docs/configuration.md", import.meta.url));
const text = configurationDocs();

if (process.argv.includes("--check")) {
  const present = await readFile(path, "utf8").catch(() => null);
  if (present !== text) {
    console.error(
      "docs/configuration.md does not say what packages/server/src/config says; run: npm run docs",
    );
    process.exit(1);
  }
} else {
  await writeFile(path, text);
  console.log("wrote docs/configuration.md");
}
