import { expect, test } from "bun:test";
import { chromiumPath, startBrowser, type TestBrowser } from "../support/browser.ts";
import { startStage, type Stage } from "./support/stage.ts";
import { freshTranscript, type Visitor, visit } from "./support/visitor.ts";

const needsChromium = test.skipIf(chromiumPath === null && process.env["CI"] !== "true");
const question = "What happens to a client that reads too slowly?";
const offlineMs = 20_000;

/** The conversation is whole on the page that lived through it, which never had to read it anew. */
async function expectWhole(visitor: Visitor, browser: TestBrowser, stage: Stage): Promise<void> {
  await visitor.settled("done");
  expect(await visitor.runs.count()).toBe(1);
  expect(await visitor.transcript()).toEqual(
    await freshTranscript(browser, stage, "Ada", visitor.page.url()),
  );
  expect((await stage.agent.stored("ada"))[0]?.state).toBe("done");
  expect(visitor.rereads).toBe(0);
  expect(visitor.errors).toEqual([]);
}

needsChromium("a relay that is killed and restarted in the middle of an answer costs nothing", async () => {
  await using stage = await startStage({ wordsPerSecond: 15 });
  await using browser = await startBrowser();
  const ada = await visit(browser, stage, "Ada");
  await ada.ask(question);
  await ada.answerGrows(40);
  await stage.relay.kill();
  await ada.page.locator('[data-testid="status"]:not([data-kind="live"])').waitFor();
  await stage.relay.start();
  await ada.live();
  await expectWhole(ada, browser, stage);
});

needsChromium("a Redis that is killed and restarted in the middle of an answer costs nothing", async () => {
  await using stage = await startStage({ wordsPerSecond: 15 });
  await using browser = await startBrowser();
  const ada = await visit(browser, stage, "Ada");
  await ada.ask(question);
  await ada.answerGrows(40);
  await stage.redis.restart();
  const before = await ada.answerLength();
  await ada.answerGrows(before + 40);
  await expectWhole(ada, browser, stage);
});

needsChromium(
  "a device that is offline for 20 seconds says so, and has everything when it is back",
  async () => {
    await using stage = await startStage({ wordsPerSecond: 10 });
    await using browser = await startBrowser();
    const ada = await visit(browser, stage, "Ada");
    await ada.ask(question);
    await ada.answerGrows(40);
    const devTools = await ada.page.context().newCDPSession(ada.page);
    const network = (offline: boolean) =>
      devTools.send("Network.emulateNetworkConditions", {
        offline,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1,
      });
    await devTools.send("Network.enable");
    const wentAt = performance.now();
    await network(true);
    await ada.page.locator('[data-testid="status"][data-kind="offline"]').waitFor({ timeout: offlineMs });
    console.log(`said to be offline after ${Math.round(performance.now() - wentAt)} ms`);
    await ada.page.getByText("No connection.").waitFor();
    const before = await ada.answerLength();
    await Bun.sleep(offlineMs - (performance.now() - wentAt));
    expect(await ada.answerLength()).toBe(before);
    await network(false);
    const backAt = performance.now();
    await ada.live();
    console.log(`live again after ${Math.round(performance.now() - backAt)} ms`);
    await ada.answerGrows(before);
    await expectWhole(ada, browser, stage);
  },
);

needsChromium("a worker that dies in the middle of an answer leaves nobody waiting", async () => {
  await using stage = await startStage({ wordsPerSecond: 5 });
  await using browser = await startBrowser();
  const ada = await visit(browser, stage, "Ada");
  await ada.ask(question);
  await ada.answerGrows(20);
  await stage.agent.restart();
  await ada.settled("failed");
  await ada.page.getByText("The agent was restarted. Ask again.").first().waitFor();
  await ada.ask(question);
  await ada.answerGrows(20);
  expect(ada.errors).toEqual([]);
});
