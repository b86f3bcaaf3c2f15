import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { codeBlocks, readDocument, root } from "../../../tests/docs/code-blocks.ts";
import { startTestRelay } from "../../../tests/support/test-relay.ts";

setDefaultTimeout(120_000);

const API_KEY = "an-api-key-of-a-test";
const folder = join(root, "node_modules/.cache/tidings/worker-readme");
const snippets = codeBlocks(await readDocument("packages/worker/README.md")).filter(
  ({ language }) => language === "ts",
);

/** A program's exit status and output; while it runs, `beside` is called now and then. */
async function run(words: readonly string[], beside: () => void = () => {}): Promise<[number, string]> {
  const child = Bun.spawn([...words], { cwd: folder, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const timer = setInterval(beside, 100);
  try {
    const texts = [new Response(child.stdout).text(), new Response(child.stderr).text()];
    return [await child.exited, (await Promise.all(texts)).join("")];
  } finally {
    clearInterval(timer);
  }
}

test("the package is built, and the README's snippets run under Node.js as they stand but for addresses", async () => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "node_modules/@tidings"), { recursive: true });
  await symlink(join(root, "packages/worker"), join(folder, "node_modules/@tidings/worker"));
  expect(await run(["node", join(root, "scripts/build-package.mjs"), join(root, "packages/worker")])).toEqual(
    [0, expect.stringContaining("dist/index.js")],
  );
  expect(snippets.length).toBe(6);
  await using relay = await startTestRelay({ settings: { history: true, api_key: API_KEY } });
  const page = await relay.connect("alice");
  for (const [index, { heading, code }] of snippets.entries()) {
    const source = join(folder, `${index}.ts`);
    const program = join(folder, `${index}.mjs`);
    const placed = code
      .replaceAll("redis://127.0.0.1:6379", relay.redis.url)
      .replaceAll("http://127.0.0.1:8080", relay.url)
      .replaceAll("an-api-key", API_KEY);
    await Bun.write(source, placed);
    // Node.js 20 does not know `await using`, which the bundler spells out.
    const bundled = await run([
      process.execPath,
      "build",
      source,
      "--target=node",
      "--packages=external",
      `--outfile=${program}`,
    ]);
    expect([heading, ...bundled]).toEqual([heading, 0, expect.any(String)]);
    const before = page.texts.length;
    // For those that listen; they may not have begun yet.
    const stop = (): void => page.send('{"type":"stop","payload":{"run":"r_1"}}');
    const [status, output] = await run(["node", program], stop);
    expect([heading, status, status === 0 ? "" : output]).toEqual([heading, 0, ""]);
    if (code.includes("publish(")) expect(page.texts.length).toBeGreaterThan(before);
  }
});
