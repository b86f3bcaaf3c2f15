import { rmSync } from "node:fs";
import { join } from "node:path";

// What the build of this package bundles: one module for Node.js and Bun. The Redis client is the application's own.

const here = join(import.meta.dir, "..");
const [, , dist = join(here, "dist")] = process.argv;

rmSync(dist, { recursive: true, force: true });
await Bun.build({
  entrypoints: [join(here, "src/index.ts")],
  format: "esm",
  target: "node",
  external: ["@redis/client"],
  outdir: dist,
});
