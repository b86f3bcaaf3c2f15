import { expect, test } from "bun:test";
import { join } from "node:path";
import { chromiumPath, startBrowser } from "../support/browser.ts";
import { nodeProgram } from "./runtimes/node-24.ts";
import type { PageOutcome } from "./runtimes/page-suite.ts";

// The SDK's own suite, in packages/client/tests, runs under Bun with all other tests. Here it runs elsewhere.

const client = join(import.meta.dir, "..", "..", "packages", "client");

/** How often the page is looked at: not by its frames, which a busy machine may draw late, in milliseconds. */
const LOOK_MS = 50;

const files = [...new Bun.Glob("tests/**/*.test.ts").scanSync(client)].toSorted();

test("the SDK's own suite passes under Node.js 24", async () => {
  const words = [await nodeProgram(), "--test", "--test-reporter=tap", ...files];
  const run = Bun.spawn(words, { cwd: client, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const [output, status] = await Promise.all([new Response(run.stdout).text(), run.exited]);
  const count = (word: string): number => Number(new RegExp(`^# ${word} (\\d+)$`, "m").exec(output)?.[1]);
  expect([status, output.match(/^\s*not ok .*$/gm)]).toEqual([0, null]);
  expect([count("fail"), count("skipped"), count("todo")]).toEqual([0, 0, 0]);
  expect(count("pass")).toBeGreaterThan(100);
});

test.skipIf(chromiumPath === null)(
  "the SDK's own suite passes in Chromium, but for what is a server's",
  async () => {
    const inPages = files.filter(
      (name) => !name.startsWith("tests/server/") && !name.endsWith("rendering.test.ts"),
    );
    const entry = join(client, "tests/every-test.ts");
    const pageSuite = join(import.meta.dir, "runtimes/page-suite.ts");
    const built = await Bun.build({
      entrypoints: [entry],
      files: { [entry]: inPages.map((name) => `import ${JSON.stringify(join(client, name))};`).join("\n") },
      target: "browser",
      // The package says that importing has no side effect; declaring a test has one.
      ignoreDCEAnnotations: true,
      define: { "process.env.NODE_ENV": '"development"' },
      plugins: [
        {
          name: "suite of the page",
          setup(build) {
            build.onResolve({ filter: /\/support\/suite\.ts$/ }, () => ({ path: pageSuite }));
            // The bundler has `assert` for browsers, and not the name under which the suite imports its strict form.
            build.onResolve({ filter: /^node:assert\/strict$/ }, () => ({
              path: "strict",
              namespace: "assert",
            }));
            build.onLoad({ filter: /./, namespace: "assert" }, () => ({
              contents: 'import assert from "node:assert"; export default assert.strict;',
            }));
          },
        },
      ],
    });
    const script = await built.outputs[0]?.text();
    await using browser = await startBrowser();
    const page = await (await browser.context()).newPage();
    await page.setContent("<!doctype html><title>suite</title>");
    await page.addScriptTag({ type: "module", content: script ?? "" });
    await page.waitForFunction("globalThis.runSuite !== undefined", undefined, { polling: LOOK_MS });
    const { passed, failures } = (await page.evaluate("runSuite()")) as PageOutcome;
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(100);
  },
);
