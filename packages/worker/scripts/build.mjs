import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// What `npm run build` does: one module with the declarations beside it. Nothing is minified.

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const root = join(here, "..", "..");
const dist = join(here, "dist");

rmSync(dist, { recursive: true, force: true });
run("node_modules/bun/bin/bun.exe", [
  "build",
  join(here, "src/index.ts"),
  "--target=node",
  "--format=esm",
  "--external=@redis/client",
  `--outfile=${join(dist, "index.js")}`,
]);
run("node_modules/.bin/tsc", ["-p", join(here, "tsconfig.build.json")]);
const declared = declarationsFrom(join(dist, "index.d.ts"));
for (const name of readdirSync(dist)) {
  if (name.endsWith(".d.ts") && !declared.has(join(dist, name))) rmSync(join(dist, name));
}
console.log(`dist/index.js  ${statSync(join(dist, "index.js")).size} bytes`);

/**
 * Finishes an entry point's declarations and all that they import: as modules of a package import each other, and without
 * the protocol, which is not published. Returns their paths.
 */
function declarationsFrom(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  const text = readFileSync(path, "utf8");
  if (text.includes("@tidings/protocol")) throw new Error(`${path} needs @tidings/protocol`);
  writeFileSync(path, text.replace(/"(\.[^"]*)\.ts"/g, '"$1.js"'));
  for (const [, name] of text.matchAll(/from "(\.[^"]*)\.ts"/g)) {
    declarationsFrom(join(dirname(path), `${name}.d.ts`), found);
  }
  return found;
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
