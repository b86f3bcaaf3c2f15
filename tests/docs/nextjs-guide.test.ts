import { expect, setDefaultTimeout, test } from "bun:test";
import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";
import { preparedExample } from "../example/support/prepared-example.ts";
import { startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/redis-server.ts";
import { root } from "./code-blocks.ts";
import { emptyFolder, finish, run } from "./programs.ts";
import { readSnippets } from "./snippets.ts";
import { checkTypes, installTypes, pack, unpack, withoutChromium } from "./web.ts";

setDefaultTimeout(300_000);

const snippets = await readSnippets("docs/guides/nextjs.md");
const relayCommand = snippets.take("1. The relay", "sh");
const install = snippets.take("2. The application", "sh", "npm pack");
const files = snippets.files();
const workerCommand = snippets.take("8. See it", "sh", "node");
// The tree of folders; and `npm run dev`, in whose place the production build is tried.
snippets.take("Next.js in five minutes", "text");
snippets.take("8. See it", "sh", "npm run dev");

/** What `create-next-app` writes, but for fonts of Google's and Tailwind, which are fetched. */
const created = {
  "package.json": '{ "name": "my-app", "private": true }',
  "next.config.ts": `export default {
    cacheComponents: true,
    partialPrefetching: true,
    typescript: { ignoreBuildErrors: true },
    turbopack: { root: import.meta.dirname },
  };`,
  "app/layout.tsx": `import type { ReactNode } from "react";
  export default function RootLayout({ children }: { children: ReactNode }) {
    return <html lang="en"><body>{children}</body></html>;
  }`,
};

const STEPS = ["Thinking about “why?”", "Searching…", "Reading…", "Because."];

/** Makes the guide's application, installed as far as that goes without a registry, and builds it for production. */
async function buildApplication(folder: string, relayPort: number): Promise<void> {
  const [line = ""] = /npm pack .*(?=\))/.exec(install) ?? [];
  await pack(line, folder);
  await preparedExample();
  const installed = join(root, "examples/next-agent/node_modules");
  const hardLinks = ["cp", "-al", installed, join(folder, "node_modules")];
  await finish(hardLinks).catch(() => finish(hardLinks.with(1, "-a")));
  await unpack(folder, "client", "worker");
  for (const name of ["@redis/client", "cluster-key-slot", "typescript"]) {
    await cp(join(root, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
  }
  for (const [name, code] of [...Object.entries(created), ...files]) {
    const text = code.replaceAll("localhost:8080", `localhost:${relayPort}`);
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await Bun.write(join(folder, name), text);
  }
  await installTypes(folder);
  await checkTypes(folder);
  await finish(["node", "node_modules/next/dist/bin/next", "build"], { cwd: folder, environment: quiet });
}

const quiet = { NEXT_TELEMETRY_DISABLED: "1" };

const stepsOn = (page: Page): Promise<string[]> => page.locator("li").allTextContents();

test.skipIf(withoutChromium)(
  "the guide for Next.js leads from its commands to a page that misses nothing over a reload",
  async () => {
    await using folder = await emptyFolder();
    const [relayPort, redisPort, webPort] = [await freePort(), await freePort(), await freePort()];
    const place = ` --port ${relayPort} --embedded-port ${redisPort}`;
    await using _relay = run(["sh", "-c", relayCommand.trimEnd() + place]);
    await buildApplication(folder.path, relayPort);
    await eventually("the relay keeps history", async () => {
      return (await fetch(`http://127.0.0.1:${relayPort}/readyz`).catch(() => null))?.ok ?? false;
    });
    const environment = { REDIS_URL: `redis://127.0.0.1:${redisPort}` };
    await using worker = run(["sh", "-c", workerCommand], { cwd: folder.path, environment });
    await eventually("the worker listens", () => worker.output().includes("listening"));
    const next = ["node", "node_modules/next/dist/bin/next", "start", "-p", String(webPort)];
    await using web = run(next, { cwd: folder.path, environment: quiet });
    const url = `http://localhost:${webPort}`;
    await eventually("the application answers", async () => {
      return (await fetch(url).catch(() => null))?.ok ?? false;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${web.output()}`);
    });

    await using browser = await startBrowser();
    const context = await browser.context();
    const page = await context.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(url);
    await page.getByText("The connection is live.").waitFor();
    await page.getByRole("button", { name: "Ask" }).click();
    await page.locator("li").nth(1).waitFor();
    await page.reload();
    await page.getByText("Because.").waitFor();
    expect(await stepsOn(page)).toEqual(STEPS);

    const tab = await context.newPage();
    await tab.goto(url);
    await tab.getByText("The connection is live.").waitFor();
    expect(await stepsOn(tab)).toEqual(STEPS);
    const metrics = await (await fetch(`http://127.0.0.1:${relayPort}/metrics`)).text();
    expect(metrics).toMatch(/^tidings_connections 1$/m);
    expect(errors).toEqual([]);
  },
);

test("no code of the guide for Next.js is left untried", () => {
  expect(snippets.left).toEqual([]);
});
