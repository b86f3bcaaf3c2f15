import { expect } from "bun:test";
import { startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { browserTest, figure, fullBrowserTest, sized } from "./support/form.ts";
import { startModel } from "./support/model.ts";
import { startStage } from "./support/stage.ts";
import { freshTranscript, visit } from "./support/visitor.ts";
import { expectWhole } from "./support/whole.ts";

/** How long a stop may take: a second is the promise, and CI's machines may have other things to do. */
const stopMs = sized(10_000, 1_000);
const question = "What happens to a client that reads too slowly?";

browserTest(
  "a question shows its steps, then its answer as it is written, then what it rests on",
  async () => {
    await using stage = await startStage({ wordsPerSecond: 80 });
    await using browser = await startBrowser();
    const ada = await visit(browser, stage, "Ada");
    await ada.ask(question);
    await ada.page.getByText("Searching").first().waitFor();
    await ada.page.getByText("Reading docs/").first().waitFor();
    await ada.page.getByTestId("jobs").getByText(question).waitFor();
    await ada.answerGrows(50);
    const early = await ada.answerLength();
    await ada.answerGrows(early + 50);
    expect(await ada.runs.getAttribute("data-state")).toBe("working");
    await ada.settled("done");
    expect(
      await ada.page.getByRole("list", { name: "Sources" }).getByRole("listitem").count(),
    ).toBeGreaterThan(0);
    expect(await ada.page.getByTestId("jobs").count()).toBe(0);
    expect(await ada.answerLetters()).not.toContain("[tests/");
    expect(await ada.transcript()).toEqual(await freshTranscript(browser, stage, "Ada", ada.page.url()));
    expect(ada.rereads).toBe(0);
    expect(ada.errors).toEqual([]);
  },
);

browserTest(
  "a page that is reloaded in the middle of an answer misses nothing and doubles nothing",
  async () => {
    await using model = startModel(20);
    await using stage = await startStage({ model });
    await using browser = await startBrowser();
    const ada = await visit(browser, stage, "Ada");
    await ada.ask(question);
    for (const beyond of [1, 100, 300]) {
      await ada.answerGrows(beyond);
      const before = await ada.answerLength();
      await ada.page.reload();
      expect(await ada.answerLength()).toBeGreaterThanOrEqual(before);
    }
    await ada.answerGrows((await ada.answerLength()) + 50);
    await expectWhole(ada, { model, browser, stage });
  },
);

fullBrowserTest("a page is rendered on the server with the conversation in it", async () => {
  await using stage = await startStage({ wordsPerSecond: 200 });
  await using browser = await startBrowser();
  const ada = await visit(browser, stage, "Ada");
  await ada.ask(question);
  await ada.settled("done");
  const [{ name, value } = { name: "", value: "" }] = await ada.page.context().cookies();
  const plain = await browser.context({ javaScriptEnabled: false });
  await plain.addCookies([{ name, value, url: stage.url }]);
  const page = await plain.newPage();
  await page.goto(ada.page.url());
  expect(await page.getByTestId("run").allTextContents()).toEqual(await ada.transcript());
});

browserTest("a second device of the user is in step, and another user sees nothing", async () => {
  await using model = startModel(20);
  await using stage = await startStage({ model });
  await using browser = await startBrowser();
  const ada = await visit(browser, stage, "Ada");
  const phone = await visit(browser, stage, "Ada", { viewport: { width: 390, height: 844 } });
  const mateo = await visit(browser, stage, "Mateo");
  await ada.ask(question);
  await phone.page.getByRole("button", { name: "Conversations" }).click();
  const drawer = phone.page.getByRole("dialog", { name: "Conversations" });
  await drawer.getByTestId("jobs").getByText(question).click();
  for (const device of [phone, ada, phone]) await device.answerGrows((await device.answerLength()) + 50);
  expect((await mateo.page.content()).includes("word1.")).toBe(false);
  expect(await mateo.page.getByTestId("jobs").count()).toBe(0);
  await mateo.page.goto(ada.page.url());
  await mateo.live();
  await expectWhole(ada, { model, browser, stage });
  await phone.settled("done");
  expect(await phone.transcript()).toEqual(await ada.transcript());
  expect(await mateo.page.getByText("This conversation is not here").count()).toBe(1);
  expect((await mateo.page.content()).includes(question)).toBe(false);
  expect([...ada.errors, ...phone.errors, ...mateo.errors]).toEqual([]);
});

browserTest("the stop button of any device reaches the worker within a second", async () => {
  await using model = startModel(10);
  await using stage = await startStage({ model });
  await using browser = await startBrowser();
  const ada = await visit(browser, stage, "Ada");
  const other = await visit(browser, stage, "Ada");
  await ada.ask(question);
  await other.page.getByTestId("jobs").getByText(question).click();
  await other.answerGrows(20);
  const pressed = performance.now();
  await other.page.getByRole("button", { name: "Stop", exact: true }).click();
  await eventually("the worker has hung up on its model", () => model.hangUps === 1);
  const took = performance.now() - pressed;
  figure("the worker had stopped after", `${Math.round(took)} ms`);
  expect(took).toBeLessThan(stopMs);
  await ada.settled("failed");
  expect((await stage.agent.stored("ada"))[0]?.code).toBe("cancelled");
  await other.settled("failed");
  expect(await ada.transcript()).toEqual(await other.transcript());
  const [stopped] = await stage.agent.stored("ada");
  await ada.ask("Which close codes are there?");
  await ada.answerGrows(20);
  expect((await stage.agent.stored("ada"))[0]).toEqual(stopped);
});

fullBrowserTest(
  "an announcement reaches everybody as a notification, and only operators can make one",
  async () => {
    await using stage = await startStage();
    await using browser = await startBrowser();
    const ada = await visit(browser, stage, "Ada");
    const grace = await visit(browser, stage, "Grace");
    await grace.page.getByRole("button", { name: "Tell everybody" }).click();
    await grace.page.getByLabel("Announcement").fill("Maintenance at six");
    await grace.page.getByRole("button", { name: "Send", exact: true }).click();
    const notifications = (page: typeof ada.page) => page.getByRole("region", { name: "Notifications" });
    for (const { page } of [ada, grace]) await notifications(page).getByText("Maintenance at six").waitFor();
    expect(await ada.page.getByRole("button", { name: "Tell everybody" }).count()).toBe(0);
    const status = await ada.page.evaluate(
      `fetch("/api/announcements", { method: "POST", body: '{"text":"x"}' }).then(({ status }) => status)`,
    );
    expect(status).toBe(403);
  },
);

fullBrowserTest(
  "an answer that became ready in another conversation is told, and one click away",
  async () => {
    await using stage = await startStage({ wordsPerSecond: 200 });
    await using browser = await startBrowser();
    const ada = await visit(browser, stage, "Ada");
    await ada.ask(question);
    await ada.page.getByRole("link", { name: "New question" }).click();
    const toast = ada.page.getByRole("region", { name: "Notifications" });
    await toast.getByText("Answer ready").waitFor();
    await toast.getByRole("link", { name: "Show it" }).click();
    await ada.settled("done");
  },
);
