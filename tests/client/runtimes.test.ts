import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../support/process.ts";
import { behaviours } from "./runtimes/behaviours.ts";
import { makeSite, type Runtime, runtimes, type Site } from "./runtimes/runtimes.ts";
import { type Asked, type Question, Stage } from "./runtimes/stage.ts";

const client = join(root, "packages", "client");

let site: Site;
let stage: Stage;
let server: ReturnType<typeof Bun.serve>;

beforeAll(async () => {
  const build = Bun.spawn(["node", join(root, "scripts/build-package.mjs"), client], { stdout: "ignore" });
  expect(await build.exited).toBe(0);
  site = await makeSite(join(client, "dist"));
  stage = await Stage.start();
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 60, fetch: answer });
}, 120_000);

afterAll(async () => {
  await server?.stop(true);
  await stage?.[Symbol.asyncDispose]();
  await site?.[Symbol.asyncDispose]();
});

/** Answers behaviours for the stage, and serves the page that tries them in a browser. */
async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/") {
    return new Response("<!doctype html><title>trial</title>", { headers: { "content-type": "text/html" } });
  }
  if (request.method === "GET") {
    const file = Bun.file(join(site.folder, pathname));
    return (await file.exists()) ? new Response(file) : new Response(null, { status: 404 });
  }
  const name = pathname.replace("/ask/", "") as Question;
  try {
    return Response.json(await stage[name]((await request.json()) as Asked));
  } catch (error) {
    return new Response(String(error), { status: 500 });
  }
}

for (const { name, isThere, start } of runtimes) {
  describe.skipIf(!isThere)(`the package as it is shipped, under ${name},`, () => {
    let runtime: Runtime;

    beforeAll(async () => {
      runtime = await start(site);
    }, 120_000);

    afterAll(async () => {
      await runtime?.[Symbol.asyncDispose]();
    });

    for (const behaviour of Object.keys(behaviours)) {
      test(
        behaviour,
        async () => {
          await runtime.perform(behaviour, `http://127.0.0.1:${server.port}`);
        },
        120_000,
      );
    }
  });
}
