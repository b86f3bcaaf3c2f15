import { describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { chromiumPath, startBrowser } from "./support/browser.ts";
import { eventually } from "./support/eventually.ts";
import { startProcess, startTidings, untilReady } from "./support/process.ts";
import { freePort, startRedis } from "./support/redis-server.ts";

const needsChromium = test.skipIf(chromiumPath === null && process.env["CI"] !== "true");

async function livePage(page: Page, port: number, user: string): Promise<Page> {
  await page.goto(`http://127.0.0.1:${port}/?user=${user}`);
  await page.getByText("Live", { exact: true }).first().waitFor();
  return page;
}

describe("the whole path, from redis-cli to a browser's screen", () => {
  needsChromium(
    "an update is on both tabs of its user and on none of another's",
    async () => {
      await using redis = await startRedis();
      const port = await freePort();
      await using _relay = startTidings(["dev", "--port", String(port), "--redis-url", redis.url]);
      await untilReady(port);
      await using browser = await startBrowser();
      const device = await browser.context();
      const stranger = await browser.context();
      const tabs = [
        await livePage(await device.newPage(), port, "alice"),
        await livePage(await device.newPage(), port, "alice"),
      ];
      const other = await livePage(await stranger.newPage(), port, "bob");
      const update =
        '{"target_user_id":"alice","type":"agent_update","payload":{"text":"Searching 4711 pages"}}';
      expect(await redis.cli("publish", "updates", update)).toBe("1");
      for (const tab of tabs) await tab.getByText("Searching 4711 pages").first().waitFor();
      await redis.cli("publish", "updates", update.replace("alice", "bob").replace("4711", "12"));
      await other.getByText("Searching 12 pages").first().waitFor();
      expect(await other.getByText("Searching 4711 pages").count()).toBe(0);
      for (const tab of tabs) expect(await tab.getByText("Searching 12 pages").count()).toBe(0);
    },
    120_000,
  );

  needsChromium(
    "a question is worked on by the example worker, step by step, in both tabs at once",
    async () => {
      await using redis = await startRedis();
      const port = await freePort();
      await using _relay = startTidings(["dev", "--port", String(port), "--redis-url", redis.url]);
      await untilReady(port);
      await using worker = startProcess([process.execPath, "examples/docs-worker/src/worker.ts"], {
        REDIS_URL: redis.url,
      });
      await eventually("the worker listens", () => worker.output().includes("ready"));
      await using browser = await startBrowser();
      const device = await browser.context();
      const first = await livePage(await device.newPage(), port, "alice");
      const second = await livePage(await device.newPage(), port, "alice");
      await first
        .getByLabel("Your question about Tidings")
        .fill("What happens to a client that reads too slowly?");
      await first.keyboard.press("Enter");
      for (const tab of [first, second]) {
        const card = tab.getByRole("article").filter({ hasText: "What happens to a client" }).first();
        await card
          .getByText(/Searching/)
          .first()
          .waitFor({ state: "attached" });
        await card.getByText("Done", { exact: true }).first().waitFor({ timeout: 60_000 });
        expect((await card.innerText()).length).toBeGreaterThan(200);
      }
    },
    120_000,
  );

  needsChromium(
    "a page that is reloaded in mid stream has everything there once",
    async () => {
      await using redis = await startRedis();
      const port = await freePort();
      const environment = { TIDINGS_HISTORY: "true" };
      await using _relay = startTidings(
        ["dev", "--port", String(port), "--redis-url", redis.url],
        environment,
      );
      await untilReady(port);
      await using browser = await startBrowser();
      const page = await livePage(await (await browser.context()).newPage(), port, "alice");
      const send = async (type: string, payload: object): Promise<void> => {
        const update = { target_user_id: "alice", type, payload: { run: "r", ...payload } };
        expect(await redis.cli("publish", "updates", JSON.stringify(update))).toBe("1");
      };
      let sent = 0;
      const words = async (count: number): Promise<void> => {
        const end = sent + count;
        for (; sent < end; sent += 1) await send("agent_token", { text: `w${sent} ` });
      };
      const answer = (): string => Array.from({ length: sent }, (_, n) => `w${n}`).join(" ");
      const card = page.getByRole("article").filter({ hasText: "What gets lost?" });
      await send("agent_started", { question: "What gets lost?" });
      await words(20);
      await card.getByText("w19").waitFor();
      const reloaded = page.reload();
      await words(40);
      await reloaded;
      await words(20);
      await send("agent_finished", {});
      await card.getByText("Done", { exact: true }).waitFor();
      expect(await card.count()).toBe(1);
      expect(await card.innerText()).toContain(answer());
      expect(await card.getByText("updates may be missing").count()).toBe(0);
      await page.getByText(/^recovered: \d+ updates follow$/).waitFor();
    },
    120_000,
  );
});
