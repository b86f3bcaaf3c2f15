import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { startBrowser } from "../tests/support/browser.ts";
import { eventually } from "../tests/support/eventually.ts";
import { root, startProcess, startTidings, untilReady } from "../tests/support/process.ts";
import { freePort } from "../tests/support/redis-server.ts";

// Takes the README's pictures of the playground: `bun scripts/screenshots.ts`. Needs Chromium.

const folder = join(root, "docs/images");
const port = await freePort();
const embeddedPort = await freePort();
await mkdir(folder, { recursive: true });
await using _relay = startTidings(["dev", "--port", String(port), "--embedded-port", String(embeddedPort)]);
await untilReady(port);
await using worker = startProcess([process.execPath, "examples/docs-worker/src/worker.ts"], {
  REDIS_URL: `redis://127.0.0.1:${embeddedPort}`,
});
await eventually("the worker listens", () => worker.output().includes("ready"));
await using browser = await startBrowser();

for (const [name, colorScheme, width, height] of [
  ["playground-light", "light", 1280, 860],
  ["playground-dark", "dark", 1280, 860],
  ["playground-phone", "light", 390, 844],
] as const) {
  const context = await browser.context({ colorScheme, viewport: { width, height }, deviceScaleFactor: 1.5 });
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.getByText("Live", { exact: true }).first().waitFor();
  const question = page.getByLabel("Your question about Tidings");
  await question.fill("What happens to a client that reads too slowly?");
  await page.keyboard.press("Enter");
  const card = page.getByRole("article").first();
  await card.getByText("Done", { exact: true }).first().waitFor({ timeout: 60_000 });
  await question.fill("What is the life of one update?");
  await page.keyboard.press("Enter");
  await page.getByText("Searching").first().waitFor();
  await page.waitForTimeout(3_500);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await context.close();
}
