import { expect, test } from "bun:test";
import { join } from "node:path";
import { bundle } from "../../packages/client/scripts/bundle.ts";

/** What an application pays for the SDK at most, minified and compressed, in bytes. */
const LIMIT = 5 * 1024;

test("the client is below 5 KiB compressed, and what is loaded only where it is needed below 3 KiB each", async () => {
  const sizeOf = async (name: "index" | "share" | "stream"): Promise<number> =>
    Bun.gzipSync(await bundle(name, true), { level: 9 }).length;
  expect(await sizeOf("index")).toBeLessThan(LIMIT);
  expect(await sizeOf("share")).toBeLessThan(3 * 1024);
  expect(await sizeOf("stream")).toBeLessThan(3 * 1024);
});

test("the bundle needs nothing: no package, no eval, nothing of a page at the time it is imported", async () => {
  for (const name of ["index", "share", "stream"] as const) {
    const text = await bundle(name, false);
    expect(text).not.toMatch(/\beval\(|new Function\(/);
    expect([...text.matchAll(/(?:from|import\()\s*"([^"]*)"/g)].map(([, path]) => path)).toEqual(
      name === "index" ? ["./stream.js", "./share.js"] : [],
    );
  }
});

test("publint and attw have nothing to say about the package, and its declarations stand alone", async () => {
  const script = join(import.meta.dir, "..", "..", "packages", "client", "scripts", "check-package.mjs");
  const run = Bun.spawn(["node", script], { stdout: "pipe", stderr: "pipe" });
  const [status, errors] = await Promise.all([run.exited, new Response(run.stderr).text()]);
  expect({ status, errors }).toEqual({ status: 0, errors: "" });
});
