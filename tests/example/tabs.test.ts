import { expect } from "bun:test";
import { startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { browserTest, sized } from "./support/form.ts";
import { startModel } from "./support/model.ts";
import { startStage } from "./support/stage.ts";
import { type Visitor, visit } from "./support/visitor.ts";
import { expectWhole } from "./support/whole.ts";

const count = sized(3, 6);
const question = "What happens to a client that reads too slowly?";

browserTest(
  `${count} tabs have one socket, and the death of the tab that holds it loses nothing`,
  async () => {
    await using model = startModel(20);
    await using stage = await startStage({ model });
    await using browser = await startBrowser();
    const first = await visit(browser, stage, "Ada");
    await first.ask(question);
    await first.page.waitForURL(/\/c\//);
    const others: Visitor[] = [];
    while (others.length < count - 1) others.push(await first.openTab());
    expect(await stage.connections("ada")).toBe(1);

    const [heir] = others;
    if (heir === undefined) throw new Error("there are no other tabs");
    for (const tab of others) await tab.answerGrows((await tab.answerLength()) + 60);
    // The first tab was alone when it connected, so it holds the socket.
    await first.page.close();
    for (const tab of others) {
      await tab.live();
      await tab.answerGrows((await tab.answerLength()) + 60);
    }
    await eventually("there is one connection", async () => (await stage.connections("ada")) === 1);
    await expectWhole(heir, { model, browser, stage });
    for (const tab of others) {
      await tab.settled("done");
      expect(await tab.transcript()).toEqual(await heir.transcript());
      expect(tab.rereads).toBe(0);
      expect(tab.errors).toEqual([]);
    }
  },
);
