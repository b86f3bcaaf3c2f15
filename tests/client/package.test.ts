import { expect, test } from "bun:test";
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../packages/client/scripts/bundle.ts";

const root = join(import.meta.dir, "..", "..");
const here = join(root, "packages", "client");

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
  const needs = {
    index: ["./stream.js", "./share.js"],
    share: [],
    stream: [],
    react: ["react", "./index.js"],
    server: ["./index.js"],
  };
  for (const name of Object.keys(needs) as (keyof typeof needs)[]) {
    const text = await bundle(name, false);
    expect(text).not.toMatch(/\beval\(|new Function\(/);
    const imports = [...text.matchAll(/(?:from|import\()\s*"([^"]*)"/g)].map(([, path]) => path ?? "");
    expect(new Set(imports)).toEqual(new Set<string>(needs[name]));
  }
});

test("the hooks say that they are the browser's, and cost less than 3 KiB compressed", async () => {
  for (const minify of [true, false]) expect(await bundle("react", minify)).toStartWith('"use client";');
  expect(Bun.gzipSync(await bundle("react", true), { level: 9 }).length).toBeLessThan(3 * 1024);
});

test("an application that registers its types has them in all hooks", async () => {
  await using app = await startApp(`
    import { type ReactNode } from "react";
    import { TidingsProvider, useSend, useUpdate, useUpdates } from "@tidings/client/react";
    import { ticketHandler } from "@tidings/client/server";

    const schema = <T,>() => ({
      "~standard": { version: 1 as const, vendor: "test", validate: (value: unknown) => ({ value: value as T }) },
    });
    const events = { note: schema<{ text: string }>() };

    declare module "@tidings/client/react" {
      interface Register {
        events: typeof events;
        messages: { stop: { run: string } };
      }
    }

    export function Notes(): ReactNode {
      const send = useSend();
      void send("stop", { run: "r1" });
      // @ts-expect-error A message of this type has a run.
      void send("stop", {});
      useUpdate("note", ({ text }) => text.trim());
      // @ts-expect-error There is no such type.
      useUpdate("other", () => {});
      useUpdate("*", (_payload, update) => update.payload.text.trim());
      const all = useUpdates("note", (texts, { text }) => [...texts, text], [] as string[]);
      return <TidingsProvider url="/" token={() => null} events={events}>{all.join()}</TidingsProvider>;
    }

    export const POST: (request: Request, context: { params: Promise<object> }) => Promise<Response> = ticketHandler({
      secret: "secret",
      authorize: async (request) => request.headers.get("cookie"),
    });
  `);
  const types = ["--jsx", "react-jsx", "--lib", "esnext,dom", "--types", "", "--skipLibCheck"];
  const words = ["--noEmit", "--strict", "--module", "esnext", "--moduleResolution", "bundler", ...types];
  const run = Bun.spawn([join(root, "node_modules", ".bin", "tsc"), ...words, "app.tsx"], {
    cwd: app.folder,
    stdout: "pipe",
  });
  const [status, output] = await Promise.all([run.exited, new Response(run.stdout).text()]);
  expect({ status, output }).toEqual({ status: 0, output: "" });
});

/** An application with the package as it is shipped, and React's types. */
async function startApp(source: string): Promise<{ readonly folder: string } & AsyncDisposable> {
  const build = Bun.spawn(["node", join(root, "scripts", "build-package.mjs"), here], { stdout: "ignore" });
  expect(await build.exited).toBe(0);
  const folder = await mkdtemp(join(tmpdir(), "tidings-app-"));
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "@tidings"), { recursive: true });
  await cp(join(here, "dist"), join(modules, "@tidings", "client", "dist"), { recursive: true });
  await cp(join(here, "package.json"), join(modules, "@tidings", "client", "package.json"));
  for (const name of ["@types", "csstype"])
    await symlink(join(root, "node_modules", name), join(modules, name));
  await Bun.write(join(folder, "app.tsx"), source);
  return {
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

test("publint and attw have nothing to say about the package, and its declarations stand alone", async () => {
  const script = join(root, "scripts", "check-package.mjs");
  const run = Bun.spawn(["node", script, here], { stdout: "pipe", stderr: "pipe" });
  const [status, errors] = await Promise.all([run.exited, new Response(run.stderr).text()]);
  expect({ status, errors }).toEqual({ status: 0, errors: "" });
});
