import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// What `npm run build` does: one module for each entry point and for each part that is loaded only where it is needed,
// with the declarations beside them. Nothing is minified, which is the business of the application's own bundler.

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const root = join(here, "..", "..");
const dist = join(here, "dist");

run("node_modules/bun/bin/bun.exe", [join(here, "scripts", "bundle.ts"), dist]);
run("node_modules/.bin/tsc", ["-p", join(here, "tsconfig.build.json")]);
const declared = new Set();
for (const entry of ["index.d.ts", "react/index.d.ts", "server/index.d.ts"]) {
  declarationsFrom(join(dist, entry), declared);
}
for (const name of readdirSync(dist, { recursive: true })) {
  if (name.endsWith(".d.ts") && !declared.has(join(dist, name))) rmSync(join(dist, name));
}
if (readdirSync(dist).includes("share")) rmSync(join(dist, "share"), { recursive: true });
for (const name of readdirSync(dist).filter((name) => name.endsWith(".js"))) {
  console.log(`dist/${name}  ${statSync(join(dist, name)).size} bytes`);
}

/**
 * Finishes an entry point's declarations and all that they import: as modules of a package import each other, and without
 * the protocol, which is not published. Adds their paths to `found`.
 */
function declarationsFrom(path, found) {
  if (found.has(path)) return;
  found.add(path);
  const text = readFileSync(path, "utf8");
  if (text.includes("@tidings/protocol")) throw new Error(`${path} needs @tidings/protocol`);
  writeFileSync(path, text.replace(/"(\.[^"]*)\.ts"/g, '"$1.js"'));
  for (const [, name] of text.matchAll(/from "(\.[^"]*)\.ts"/g)) {
    declarationsFrom(join(dirname(path), `${name}.d.ts`), found);
  }
}

function run(program, words) {
  const { status, stdout, stderr, error } = spawnSync(join(root, program), words, {
    cwd: here,
    encoding: "utf8",
  });
  if (status === 0) return;
  console.error(`${stdout}${stderr}${error?.message ?? ""}`.trim());
  rmSync(dist, { recursive: true, force: true });
  process.exit(1);
}
