import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { bundle } from "../../packages/client/scripts/bundle.ts";
import { chromiumPath, startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";

/** How often a page is looked at: not by its frames, which a busy machine may draw late, in milliseconds. */
const LOOK_MS = 50;

/** What the test's page keeps on its window. */
interface Kept {
  readonly seen: number[];
  readonly gaps: unknown[];
  readonly violations: string[];
  /** For each time that the page was shown, whether it came from the back/forward cache. */
  readonly shown: boolean[];
  readonly tidings: { readonly status: { readonly kind: string; readonly transport?: string } };
}

/** A site whose pages use the package as it is shipped, under a policy without eval and without foreign scripts. */
async function startSite(relayUrl: string): Promise<{ readonly url: string } & AsyncDisposable> {
  const script = `
    import { connect } from "/sdk/index.js";
    const query = new URLSearchParams(location.search);
    window.violations = [];
    document.addEventListener("securitypolicyviolation", ({ blockedURI }) => window.violations.push(blockedURI));
    const tidings = connect({ url: "${relayUrl}/?user_id=alice", share: query.get("share") !== "no" && "alice" });
    window.tidings = tidings;
    window.seen = [];
    window.gaps = [];
    window.shown = [];
    addEventListener("pageshow", ({ persisted }) => window.shown.push(persisted));
    tidings.on("step", (payload) => window.seen.push(payload));
    tidings.on("tidings.gap", (gap) => window.gaps.push(gap));`;
  const modules: Record<string, string> = { "/page.js": script };
  for (const name of ["index", "share", "stream"] as const) {
    modules[`/sdk/${name}.js`] = await bundle(name, true);
  }
  const socketUrl = relayUrl.replace("http", "ws");
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      const module = modules[pathname];
      if (module) return new Response(module, { headers: { "content-type": "text/javascript" } });
      const sockets = searchParams.get("sockets") === "no" ? "" : socketUrl;
      return new Response('<!doctype html><title>tab</title><script type="module" src="/page.js"></script>', {
        headers: {
          "content-type": "text/html",
          "content-security-policy": `default-src 'none'; script-src 'self'; connect-src ${relayUrl} ${sockets}`,
        },
      });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

function look<T>(page: Page, read: (kept: Kept) => T): Promise<T> {
  return page.evaluate(`(${read.toString()})(window)`) as Promise<T>;
}

async function live(page: Page): Promise<void> {
  await eventually(
    "the tab is live",
    async () => (await look(page, ({ tidings }) => tidings.status.kind)) === "live",
  );
}

async function publish(relay: TestRelay, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n += 1) {
    await relay.publish({ target_user_id: "alice", type: "step", payload: n });
  }
}

test.skipIf(chromiumPath === null)(
  "six tabs have one socket, and the tab that holds it can be closed in mid stream without a loss",
  async () => {
    await using relay = await startTestRelay({ settings: { history: true, allowed_origins: ["*"] } });
    await using site = await startSite(relay.url);
    await using browser = await startBrowser();
    const context = await browser.context();
    const tabs: Page[] = [];
    for (let count = 0; count < 6; count += 1) {
      const tab = await context.newPage();
      tabs.push(tab);
      await tab.goto(site.url);
      await live(tab);
    }
    expect(relay.relay.hub.clientsOf("alice")).toHaveLength(1);
    await publish(relay, 1, 50);
    const [leader, ...others] = tabs;
    const publishing = publish(relay, 51, 150);
    await leader?.close();
    await publishing;
    for (const tab of others) {
      await eventually("all updates came", async () => (await look(tab, ({ seen }) => seen.length)) >= 150);
      expect(await look(tab, ({ seen }) => seen)).toEqual(Array.from({ length: 150 }, (_, at) => at + 1));
      expect(await look(tab, ({ gaps }) => gaps)).toEqual([]);
      expect(await look(tab, ({ violations }) => violations)).toEqual([]);
    }
    expect(relay.relay.hub.clientsOf("alice")).toHaveLength(1);
    await context.close();
  },
);

test.skipIf(chromiumPath === null)(
  "a page whose network refuses WebSockets lives on server-sent events from another origin",
  async () => {
    await using relay = await startTestRelay({ settings: { history: true, allowed_origins: ["*"] } });
    await using site = await startSite(relay.url);
    await using browser = await startBrowser();
    const context = await browser.context();
    const tab = await context.newPage();
    await tab.goto(`${site.url}/?sockets=no`);
    await live(tab);
    expect(await look(tab, ({ tidings }) => tidings.status.transport)).toBe("sse");
    await publish(relay, 1, 10);
    await eventually("all updates came", async () => (await look(tab, ({ seen }) => seen.length)) === 10);
    await context.close();
  },
);

for (const share of ["yes", "no"]) {
  test.skipIf(chromiumPath === null)(
    `a page that comes back from the back/forward cache goes on where it was (shared: ${share})`,
    async () => {
      await using relay = await startTestRelay({ settings: { history: true, allowed_origins: ["*"] } });
      await using site = await startSite(relay.url);
      await using browser = await startBrowser({ hasBackForwardCache: true });
      const context = await browser.context();
      const tab = await context.newPage();
      await tab.goto(`${site.url}/?share=${share}`);
      await live(tab);
      await publish(relay, 1, 3);
      await eventually("three updates came", async () => (await look(tab, ({ seen }) => seen.length)) === 3);
      await tab.goto(`${relay.url}/healthz`);
      await eventually("the relay has no connection", () => relay.relay.hub.connections === 0);
      await publish(relay, 4, 6);
      await tab.evaluate("history.back()");
      await tab.waitForFunction("window.shown?.length === 2", undefined, { polling: LOOK_MS });
      await eventually("all updates came", async () => (await look(tab, ({ seen }) => seen.length)) >= 6);
      expect(await look(tab, ({ seen, gaps, shown }) => ({ seen, gaps, shown }))).toEqual({
        seen: [1, 2, 3, 4, 5, 6],
        gaps: [],
        shown: [false, true],
      });
      await context.close();
    },
    60_000,
  );
}
