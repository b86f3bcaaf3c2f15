import { expect, test } from "bun:test";
import { join } from "node:path";
import { type LockFile, readLockFile } from "../../scripts/lock-file.ts";
import { readDocument, root, tableRows } from "./code-blocks.ts";

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const text = await readDocument("docs/dependencies.md");
const names = (rows: readonly (readonly string[])[]): readonly string[] =>
  rows.map(([name = ""]) => name.replaceAll("`", "")).toSorted();
const projectFiles = async (pattern: string): Promise<readonly string[]> => {
  const found = await Array.fromAsync(new Bun.Glob(pattern).scan({ cwd: root }));
  return found.filter((path) => !/node_modules|\.venv|\.next/.test(path));
};

test("every direct dependency stands on the page with its licence, and nothing else does", async () => {
  const locks: readonly LockFile[] = await Promise.all(
    ["package-lock.json", "examples/next-agent/package-lock.json"].map((path) =>
      readLockFile(join(root, path)),
    ),
  );
  const users = new Map<string, string[]>();
  const add = (name: string, user: string): void => {
    if (!name.startsWith("@tidings/")) users.set(name, [...(users.get(name) ?? []), user]);
  };
  const manifests = ["package.json", "packages/*/package.json", "examples/*/package.json"];
  for (const path of (await Promise.all(manifests.map(projectFiles))).flat()) {
    const manifest = (await Bun.file(join(root, path)).json()) as Manifest;
    const user = manifest.name.replace(/^@tidings\/|^tidings-/, "");
    const own = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    for (const name of own) add(name, user);
    for (const name of Object.keys(manifest.peerDependencies ?? {})) add(name, `${user} (peer)`);
  }
  const rows = tableRows(text, "Package");
  expect(names(rows)).toEqual([...users.keys()].toSorted());
  for (const [shown = "", named = "", ...rest] of rows) {
    const name = shown.replaceAll("`", "");
    expect({ name, users: named.split(", ").toSorted() }).toEqual({
      name,
      users: (users.get(name) ?? []).toSorted(),
    });
    expect({ name, empty: rest.filter((cell) => cell === "") }).toEqual({ name, empty: [] });
    const entries = locks.flatMap(({ packages }) => packages[`node_modules/${name}`] ?? []);
    expect({ name, licence: rest.at(-1) }).toEqual({ name, licence: entries[0]?.license });
  }
});

test("every distribution that Python names stands on the page, and nothing else does", async () => {
  const project = Bun.TOML.parse(await readDocument("sdks/python/pyproject.toml")) as {
    readonly project: { readonly dependencies: readonly string[] };
    readonly "build-system": { readonly requires: readonly string[] };
  };
  const named = [...project.project.dependencies, ...project["build-system"].requires];
  for (const path of await projectFiles("{tests,sdks,examples}/**/requirements.in")) {
    named.push(...(await readDocument(path)).trim().split("\n"));
  }
  const distributions = new Set(named.map((one) => /^[\w.-]+/.exec(one)?.[0] ?? one));
  expect(names(tableRows(text, "Distribution"))).toEqual([...distributions].toSorted());
});

test("every module that Go names stands on the page, and nothing else does", async () => {
  const modules: string[] = [];
  for (const path of await projectFiles("tests/**/go.mod")) {
    for (const [, name = ""] of (await readDocument(path)).matchAll(/^(?:require )?\s*([\w./-]+) v\S+$/gm)) {
      modules.push(name);
    }
  }
  expect(names(tableRows(text, "Module"))).toEqual([...new Set(modules)].toSorted());
});
