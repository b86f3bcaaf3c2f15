import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type LockedPackage, lockFaults, readLockFile } from "../../scripts/lock-file.ts";
import { root } from "../support/process.ts";

const INTEGRITY = `sha512-${"A".repeat(86)}==`;
const pino: LockedPackage = { version: "10.4.0", integrity: INTEGRITY };

const locked = (entry: LockedPackage, place = "node_modules/pino"): readonly string[] =>
  lockFaults({ lockfileVersion: 3, packages: { "": {}, [place]: entry } }, ["bun"]);

describe("a lock file is refused", () => {
  const { integrity: _, ...unhashed } = pino;
  const registry = "https://registry.npmjs.org";
  const rows: [string, LockedPackage, string][] = [
    ["with a package without a hash", unhashed, "pino has no SHA-512 hash"],
    ["with a hash that is broken today", { ...pino, integrity: "sha1-AAAA" }, "pino has no SHA-512 hash"],
    [
      "with a weaker hash beside the strong one",
      { ...pino, integrity: `sha1-AAAA ${INTEGRITY}` },
      "pino has no SHA-512 hash",
    ],
    [
      "with a package from another server",
      { ...pino, resolved: "https://registry.npmjs.org.evil.example/pino/-/pino.tgz" },
      "pino comes from https://registry.npmjs.org.evil.example/pino/-/pino.tgz",
    ],
    [
      "with a package fetched without TLS",
      { ...pino, resolved: "http://registry.npmjs.org/pino/-/pino.tgz" },
      "pino comes from http://registry.npmjs.org/pino/-/pino.tgz",
    ],
    [
      "with a package from a repository",
      { ...pino, resolved: "git+ssh://git@github.com/a/b.git" },
      "pino comes from git+ssh://git@github.com/a/b.git",
    ],
    [
      "with another package's file under a known name",
      { ...pino, resolved: `${registry}/pin0/-/pin0-10.4.0.tgz` },
      `pino comes from ${registry}/pin0/-/pin0-10.4.0.tgz`,
    ],
    ["with an alias for another package", { ...pino, name: "pin0" }, "pino is really pin0"],
    [
      "with a folder in a package's place",
      { link: true, resolved: "pino" },
      "pino is a folder, and not one of ours",
    ],
    [
      "with a package that newly runs a program when it is installed",
      { ...pino, hasInstallScript: true },
      "pino runs a program when it is installed",
    ],
  ];
  test.each(rows)("%s", (_what, entry, fault) => {
    expect(locked(entry)).toEqual([fault]);
  });

  test("with a workspace outside the checkout", () => {
    expect(locked({}, "../elsewhere")).toEqual(["../elsewhere is not in the checkout"]);
  });
});

test("a package of the registry with its hash is taken, with and without its address", () => {
  expect(locked(pino)).toEqual([]);
  expect(locked({ ...pino, resolved: "https://registry.npmjs.org/pino/-/pino-10.4.0.tgz" })).toEqual([]);
});

test("both lock files of this project are whole", async () => {
  for (const [path, scripted] of [
    ["package-lock.json", ["bun"]],
    ["examples/next-agent/package-lock.json", []],
  ] as const) {
    const lock = await readLockFile(join(root, path));
    expect({ path, faults: lockFaults(lock, scripted) }).toEqual({ path, faults: [] });
  }
});

test("every dependency of every package is pinned to one version", async () => {
  const patterns = ["package.json", "packages/*/package.json", "examples/*/package.json"];
  const found = patterns.map((pattern) => Array.fromAsync(new Bun.Glob(pattern).scan({ cwd: root })));
  const paths = (await Promise.all(found)).flat();
  expect(paths.length).toBeGreaterThanOrEqual(7);
  for (const path of paths) {
    const { dependencies = {}, devDependencies = {} } = (await Bun.file(join(root, path)).json()) as {
      readonly dependencies?: Readonly<Record<string, string>>;
      readonly devDependencies?: Readonly<Record<string, string>>;
    };
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      const isPinned = /^(\d+\.\d+\.\d+|file:\.\.\/\.\.\/packages\/client)$/.test(version);
      expect({ path, name, version, isPinned }).toEqual({ path, name, version, isPinned: true });
    }
  }
});

test("every package that pip installs is pinned to one version and to the hashes of its files", async () => {
  const paths = await Array.fromAsync(
    new Bun.Glob("{tests,examples,sdks}/**/requirements.txt").scan({ cwd: root }),
  );
  const own = paths.filter((path) => !path.includes("node_modules") && !path.includes(".venv"));
  expect(own.length).toBe(4);
  for (const path of own) {
    const text = (await Bun.file(join(root, path)).text()).replaceAll(/^#.*\n/gm, "").replaceAll("\\\n", "");
    for (const line of text.trim().split("\n")) {
      expect({ path, line }).toEqual({
        path,
        line: expect.stringMatching(/^[\w.-]+==[\w.]+ .*--hash=sha256:[0-9a-f]{64}/) as string,
      });
    }
  }
});
