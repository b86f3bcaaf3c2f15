import { expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FILE_VARIABLE, settingList } from "../../packages/server/src/config/catalog.ts";
import { documents, readDocument, root } from "./code-blocks.ts";

const texts = new Map<string, string>();
for (const path of await documents()) texts.set(path, await readDocument(path));

/** Code blocks hold addresses and brackets of their own. */
const prose = (text: string): string => text.replaceAll(/^```[\s\S]*?^```$/gm, "");

/** A heading's anchor, as GitHub and GitLab make it. */
const anchor = (heading: string): string => {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, "")
    .trim()
    .replaceAll(" ", "-");
};

async function exists(path: string): Promise<boolean> {
  return stat(join(root, path)).then(
    () => true,
    () => false,
  );
}

test("every link between the documents leads somewhere", async () => {
  for (const [path, text] of texts) {
    const links = [...prose(text).matchAll(/\]\(([^)]+)\)|(?:src|srcset)="([^"]+)"/g)];
    for (const [, linked, image] of links) {
      const target = linked ?? image ?? "";
      if (/^[a-z]+:/.test(target)) continue;
      const [file = "", fragment] = target.split("#");
      const found = file === "" ? path : join(dirname(path), file);
      expect({ path, target, exists: await exists(found) }).toEqual({ path, target, exists: true });
      if (fragment === undefined) continue;
      const headings = [...(await readDocument(found)).matchAll(/^#+ (.*)$/gm)];
      expect(headings.map(([, heading = ""]) => anchor(heading))).toContain(fragment);
    }
  }
});

test("every file that the documents name is there", async () => {
  const known = new Set(
    await Array.fromAsync(new Bun.Glob("{packages,tests,bench,scripts}/**/*.ts").scan(root)),
  );
  const names = new Set([...known].map((path) => path.slice(path.lastIndexOf("/") + 1)));
  for (const [path, text] of texts) {
    for (const [, named = ""] of text.matchAll(
      /(?<![\w./])((?:packages|tests|deploy|docs|bench)\/[\w./-]*\w)/g,
    )) {
      if (named.includes("tidings.env") && !named.endsWith(".example")) continue;
      expect({ path, named, exists: await exists(named) }).toEqual({ path, named, exists: true });
    }
    for (const [, name = ""] of text.matchAll(/`([\w-]+\.ts)`/g)) {
      expect({ path, name, exists: names.has(name) }).toEqual({ path, name, exists: true });
    }
  }
});

test("every setting that the documents name is one", async () => {
  const variables = new Set([FILE_VARIABLE, ...settingList.map(({ variable }) => variable)]);
  const deployed = ["deploy/compose.yaml", "deploy/tidings.service", "deploy/nginx.conf", "deploy/Caddyfile"];
  for (const path of deployed) texts.set(path, await readDocument(path));
  for (const [path, text] of texts) {
    for (const [name] of text.matchAll(/\bTIDINGS_[A-Z_]*[A-Z]/g)) {
      expect({ path, name, known: variables.has(name) }).toEqual({ path, name, known: true });
    }
  }
});

test("every npm script that the documents name is one", async () => {
  const { scripts } = (await Bun.file(join(root, "package.json")).json()) as {
    scripts: Record<string, string>;
  };
  for (const [path, text] of texts) {
    const known = path === "docs/guides/nextjs.md" ? { ...scripts, dev: "create-next-app has it" } : scripts;
    for (const [, name = ""] of text.matchAll(
      /npm (?:run (?:-s )?)?(start|test|(?<=run (?:-s )?)[\w:-]+)/g,
    )) {
      expect({ path, name, known: name in known }).toEqual({ path, name, known: true });
    }
  }
});

test("ARCHITECTURE.md stays short enough to be read", () => {
  expect((texts.get("ARCHITECTURE.md") ?? "").split("\n").length).toBeLessThanOrEqual(151);
});
