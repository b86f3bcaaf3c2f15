import { expect, test } from "bun:test";
import { chromiumPath, startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { startStage } from "./support/stage.ts";
import { type Visitor, freshTranscript, visit } from "./support/visitor.ts";

const needsChromium = test.skipIf(chromiumPath === null && process.env["CI"] !== "true");
const question = "What happens to a client that reads too slowly?";

needsChromium("six tabs have one socket, and the death of the tab that holds it loses nothing", async () => {
  await using stage = await startStage({ wordsPerSecond: 10 });
  await using browser = await startBrowser();
  const first = await visit(browser, stage, "Ada");
  await first.ask(question);
  await first.page.waitForURL(/\/c\//);
  const others: Visitor[] = [];
  for (let count = 1; count < 6; count += 1) others.push(await first.openTab());
  expect(await stage.connections("ada")).toBe(1);

  const [leader] = others;
  if (leader === undefined) throw new Error("there are no other tabs");
  await leader.answerGrows(60);
  // The first tab was alone when it connected, so it holds the socket.
  await first.page.close();
  const survivors = others;
  for (const tab of survivors) await tab.live();
  const before = await leader.answerLength();
  await leader.answerGrows(before + 40);
  await eventually("there is one connection", async () => (await stage.connections("ada")) === 1);
  for (const tab of survivors) await tab.settled("done");
  const expected = await freshTranscript(browser, stage, "Ada", leader.page.url());
  for (const tab of survivors) {
    expect(await tab.transcript()).toEqual(expected);
    expect(tab.rereads).toBe(0);
    expect(tab.errors).toEqual([]);
  }
});
