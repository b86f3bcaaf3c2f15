import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { startStage } from "../tests/example/support/stage.ts";
import { visit } from "../tests/example/support/visitor.ts";
import { startBrowser } from "../tests/support/browser.ts";
import { root } from "../tests/support/process.ts";

// Takes the pictures of `npm run example`: `bun scripts/example-screenshots.ts`. Needs Chromium and redis-server.

const folder = join(root, "docs/images");
await mkdir(folder, { recursive: true });
await using browser = await startBrowser();

for (const [name, colorScheme, width, height] of [
  ["example-light", "light", 1280, 820],
  ["example-dark", "dark", 1280, 820],
  ["example-phone-light", "light", 390, 844],
  ["example-phone-dark", "dark", 390, 844],
] as const) {
  await using stage = await startStage({ wordsPerSecond: 25 });
  const isPhone = width < 600;
  const ada = await visit(browser, stage, "Ada", {
    colorScheme,
    viewport: { width, height },
    deviceScaleFactor: isPhone ? 2 : 1.5,
    hasTouch: isPhone,
    isMobile: isPhone,
  });
  const { page } = ada;
  if (!isPhone) {
    await stage.agent.tell("ada", "ask", {
      run: "r0",
      thread: "t0",
      question: "Which close codes are there?",
    });
  }
  await ada.ask("How does a client resume where it was?");
  await ada.settled("done");
  const slow = "What happens to a client that reads too slowly?";
  if (isPhone) {
    await ada.ask(slow);
  } else {
    await stage.agent.tell("ada", "ask", {
      run: "r2",
      thread: "t2",
      question: "What do clients see when Redis is restarted?",
    });
    await page.getByRole("link", { name: "New question" }).click();
    await ada.ask(slow);
  }
  await page.mouse.move(width / 2, height / 2);
  await ada.answerGrows(330);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.context().close();
}
