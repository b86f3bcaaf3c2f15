import { expect } from "bun:test";
import { startBrowser } from "../support/browser.ts";
import { figure, fullBrowserTest } from "./support/form.ts";
import { startModel } from "./support/model.ts";
import { startStage } from "./support/stage.ts";
import { visit } from "./support/visitor.ts";
import { expectWhole } from "./support/whole.ts";

const question = "What happens to a client that reads too slowly?";
const offlineMs = 20_000;

fullBrowserTest("a relay that is killed and restarted in the middle of an answer costs nothing", async () => {
  await using model = startModel(20);
  await using stage = await startStage({ model });
  await using browser = await startBrowser();
  const ada = await visit(browser, stage, "Ada");
  await ada.ask(question);
  await ada.answerGrows(40);
  await stage.relay.kill();
  await ada.page.locator('[data-testid="status"]:not([data-kind="live"])').waitFor();
  const before = await ada.answerLength();
  await stage.relay.start();
  await ada.live();
  await ada.answerGrows(before + 100);
  await expectWhole(ada, { model, browser, stage });
});

fullBrowserTest("a Redis that is killed and restarted in the middle of an answer costs nothing", async () => {
  await using model = startModel(20);
  await using stage = await startStage({ model });
  await using browser = await startBrowser();
  const ada = await visit(browser, stage, "Ada");
  await ada.ask(question);
  await ada.answerGrows(40);
  await stage.redis.restart();
  const before = await ada.answerLength();
  await ada.answerGrows(before + 100);
  await expectWhole(ada, { model, browser, stage });
});

fullBrowserTest(
  "a device that is offline for 20 seconds says so, and has everything when it is back",
  async () => {
    await using model = startModel(20);
    await using stage = await startStage({ model });
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
    figure("said to be offline after", `${Math.round(performance.now() - wentAt)} ms`);
    await ada.page.getByText("No connection.").waitFor();
    const before = await ada.answerLength();
    await Bun.sleep(offlineMs - (performance.now() - wentAt));
    expect(await ada.answerLength()).toBe(before);
    await network(false);
    const backAt = performance.now();
    await ada.live();
    figure("live again after", `${Math.round(performance.now() - backAt)} ms`);
    // Words went on all the time: more than a line came that this page could not hear.
    await ada.answerGrows(before + 1_000);
    await expectWhole(ada, { model, browser, stage });
  },
);

fullBrowserTest("a worker that dies in the middle of an answer leaves nobody waiting", async () => {
  await using model = startModel(10);
  await using stage = await startStage({ model });
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
