import { expect } from "bun:test";
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { chromiumPath } from "../support/browser.ts";
import { root } from "./code-blocks.ts";
import { finish } from "./programs.ts";

/** Whether what needs a browser is skipped: never where nothing may be. */
export const withoutChromium: boolean = chromiumPath === null && process.env["CI"] !== "true";

/** Makes packages into a folder as their reader does, by a document's own line with `--pack-destination`. */
export async function pack(line: string, folder: string): Promise<void> {
  const command = line.replace(/--pack-destination [^ )]+/, `--silent --pack-destination '${folder}'`);
  expect(command).toContain(folder);
  await finish(["sh", "-e", "-c", command]);
}

/** Installs packages that {@link pack} made, as npm does it but without a registry. */
export async function unpack(folder: string, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const target = join(folder, "node_modules/@tidings", name);
    await rm(target, { recursive: true, force: true });
    await mkdir(target, { recursive: true });
    const tarball = join(folder, `tidings-${name}-0.1.0.tgz`);
    await finish(["tar", "-xzf", tarball, "-C", target, "--strip-components", "1"]);
  }
}

/** Installs the types of React and Node.js, as `create-next-app` does it but without a registry. */
export async function installTypes(folder: string): Promise<void> {
  for (const name of ["@types/node", "@types/react", "@types/react-dom", "csstype", "undici-types"]) {
    await cp(join(root, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
  }
}

/** Checks the types of a folder as `create-next-app` has them checked. Rejects with what is wrong. */
export async function checkTypes(
  folder: string,
  files: readonly string[] = ["**/*.ts", "**/*.tsx"],
): Promise<void> {
  const compilerOptions = {
    target: "ESNext",
    lib: ["dom", "dom.iterable", "esnext"],
    skipLibCheck: true,
    strict: true,
    noEmit: true,
    module: "esnext",
    moduleResolution: "bundler",
    moduleDetection: "force",
    isolatedModules: true,
    jsx: "react-jsx",
    types: ["node"],
  };
  await Bun.write(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: files }));
  await finish([join(root, "node_modules/.bin/tsc"), "-p", folder]);
}

/** Builds the packages, so that programs in the checkout find them. */
export async function buildPackages(...names: readonly string[]): Promise<void> {
  for (const name of names) await finish(["node", join(root, "packages", name, "scripts/build.mjs")]);
}

/** A site of a test's own, gone when its block ends. */
export function serve(
  answer: (path: string, request: Request) => Response | Promise<Response>,
): { readonly url: string } & AsyncDisposable {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => answer(new URL(request.url).pathname, request),
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
