import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// What `npm run build` does in a package that is published, and `node scripts/build-package.mjs packages/<name>`: the modules
// that its scripts/bundle.ts makes, with their declarations beside them. Nothing is minified, which is the business of the
// application's own bundler.

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The one leaf whose types a package shows to its users; the protocol itself is not published. */
const SHARED = "@tidings/protocol/standard-schema";
const SHARED_SOURCE = join(root, "packages/protocol/src/standard-schema.ts");

/** Builds the package in `folder` into its `dist`. Ends the process with what went wrong. */
export function buildPackage(folder) {
  const dist = join(folder, "dist");
  run("node_modules/bun/bin/bun.exe", [join(folder, "scripts/bundle.ts"), dist], dist);
  run("node_modules/.bin/tsc", ["-p", join(folder, "tsconfig.build.json")], dist);
  const leaf = ["--declaration", "--emitDeclarationOnly", "--target", "esnext", "--outDir", dist];
  run("node_modules/.bin/tsc", ["--ignoreConfig", ...leaf, SHARED_SOURCE], dist);

  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const declared = new Set();
  for (const { types } of Object.values(exports)) {
    if (types) finishDeclarations(join(folder, types), dist, declared);
  }
  keepOnly(dist, declared);
  for (const name of readdirSync(dist).filter((name) => name.endsWith(".js"))) {
    console.log(`dist/${name}  ${statSync(join(dist, name)).size} bytes`);
  }
}

/**
 * Finishes an entry point's declarations and all that they import: as modules of a package import each other, with the shared
 * leaf as one of them. Adds their paths to `found`.
 */
function finishDeclarations(path, dist, found) {
  if (found.has(path)) return;
  found.add(path);
  const leaf = `./${relative(dirname(path), join(dist, "standard-schema.ts"))}`.replace("./..", "..");
  const text = readFileSync(path, "utf8").replaceAll(`"${SHARED}"`, `"${leaf}"`);
  if (text.includes("@tidings/protocol")) throw new Error(`${path} needs @tidings/protocol`);
  writeFileSync(path, text.replace(/"(\.[^"]*)\.ts"/g, '"$1.js"'));
  for (const [, name] of text.matchAll(/from "(\.[^"]*)\.ts"/g)) {
    finishDeclarations(join(dirname(path), `${name}.d.ts`), dist, found);
  }
}

/** Removes declarations that no entry point needs, and folders that are empty then. */
function keepOnly(folder, declared) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      keepOnly(path, declared);
      if (readdirSync(path).length === 0) rmdirSync(path);
    } else if (path.endsWith(".d.ts") && !declared.has(path)) rmSync(path);
  }
}

function run(program, words, dist) {
  const { status, stdout, stderr, error } = spawnSync(join(root, program), words, {
    cwd: root,
    encoding: "utf8",
  });
  if (status === 0) return;
  console.error(`${stdout}${stderr}${error?.message ?? ""}`.trim());
  rmSync(dist, { recursive: true, force: true });
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildPackage(resolve(process.argv[2] ?? "."));
