import { rmSync } from "node:fs";
import { join } from "node:path";

/** Entry points, and parts that are loaded where they are needed: what stands in `dist`, and its source. */
const modules = {
  index: "src/index.ts",
  react: "src/react/index.ts",
  server: "src/server/index.ts",
  share: "src/share/open-shared.ts",
  stream: "src/stream-link.ts",
} as const;

/** One module of the package. */
export type ModuleName = keyof typeof modules;

const here = join(import.meta.dir, "..");

/** Bundles one module, which imports the others as files beside it, and returns its text. */
export async function bundle(name: ModuleName, minify: boolean): Promise<string> {
  const result = await Bun.build({
    entrypoints: [join(here, modules[name])],
    format: "esm",
    target: "browser",
    minify,
    external: ["react"],
    // Every component that uses a hook is one of the browser's.
    ...(name === "react" && { banner: '"use client";' }),
    plugins: [
      {
        name: "parts",
        setup(build) {
          // Other entry points use what the application imports, rather than a copy of it.
          build.onResolve({ filter: /^\.\.\/index\.ts$/ }, () => ({ path: "./index.js", external: true }));
          for (const part of ["share", "stream"] as const) {
            const file = modules[part].replace(/^.*\//, "").replace(".", "\\.");
            build.onResolve({ filter: new RegExp(`/${file}$`) }, ({ kind }) =>
              kind === "dynamic-import" ? { path: `./${part}.js`, external: true } : undefined,
            );
          }
        },
      },
    ],
  });
  const [output] = result.outputs;
  if (!output) throw new Error(`nothing was built of ${name}`);
  return output.text();
}

if (import.meta.main) {
  const [, , dist = join(here, "dist")] = process.argv;
  rmSync(dist, { recursive: true, force: true });
  for (const name of Object.keys(modules) as ModuleName[]) {
    await Bun.write(join(dist, `${name}.js`), await bundle(name, false));
  }
}
