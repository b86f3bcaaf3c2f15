import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { bundle } from "../../packages/client/scripts/bundle.ts";
import { startingOffset } from "../../packages/client/src/server/starting-offset.ts";
import { ticketHandler } from "../../packages/client/src/server/ticket-handler.ts";
import type { Kept, PageState } from "../../packages/client/tests/react/page.ts";
import { renderPage } from "../../packages/client/tests/react/render-page.ts";
import { chromiumPath, startBrowser, type TestBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const API_KEY = "an-api-key-of-the-test";

const settings = {
  history: true,
  allowed_origins: ["*"],
  jwt_secret: SECRET,
  insecure_user_id: false,
  api_key: API_KEY,
};

const client = join(import.meta.dir, "..", "..", "packages", "client");

/** How much is published in how much time: 200 updates a second for 5 s. */
const UPDATES = 1_000;
const PUBLISH_MS = 5;

let browser: TestBrowser;
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tidings-react-"));
  if (chromiumPath !== null) browser = await startBrowser();
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The page's script, with the package as it is shipped and React as it is in development or production. */
async function scriptOf(mode: "development" | "production"): Promise<string> {
  for (const name of ["index", "react", "share", "stream"] as const) {
    await Bun.write(join(folder, `${name}.js`), await bundle(name, false));
  }
  const shipped = { "/react/index.ts": "react.js", "/fetch-ticket.ts": "index.js" };
  const result = await Bun.build({
    entrypoints: [join(client, "tests", "react", "page.ts")],
    target: "browser",
    format: "esm",
    define: { "process.env.NODE_ENV": JSON.stringify(mode) },
    plugins: [
      {
        name: "as shipped",
        setup(build) {
          for (const [path, file] of Object.entries(shipped)) {
            const filter = new RegExp(`/src${path.replaceAll(".", "\\.")}$`);
            build.onResolve({ filter }, () => ({ path: join(folder, file) }));
          }
          const react = { filter: /^react$/ };
          build.onResolve(react, () => ({ path: Bun.resolveSync("react", client) }));
        },
      },
    ],
  });
  const [script] = result.outputs;
  if (!script) throw new Error("the page was not built");
  return script.text();
}

interface SiteOptions {
  readonly relay: TestRelay;
  readonly mode?: "development" | "production";
  /** Makes what the page begins with; called for each request. */
  readonly load?: () => Promise<Omit<PageState, "relay">>;
  /** Renders the page on the server. */
  readonly render?: (state: PageState) => Promise<string>;
}

/** An application with a session that is always alice's. */
async function startSite(
  options: SiteOptions,
): Promise<{ url: string; tickets: () => number } & AsyncDisposable> {
  const { relay, mode = "production", load, render } = options;
  const script = await scriptOf(mode);
  let tickets = 0;
  const handler = ticketHandler({
    secret: SECRET,
    authorize: () => {
      tickets += 1;
      return "alice";
    },
  });
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/api/tidings") return handler(request);
      if (pathname === "/page.js") {
        return new Response(script, { headers: { "content-type": "text/javascript" } });
      }
      if (pathname !== "/") return new Response(null, { status: 404 });
      const state = { relay: relay.url, ...(await (load?.() ?? { since: null, loaded: [] })) };
      const markup = (await render?.(state)) ?? "";
      return new Response(
        `<!doctype html><title>page</title><div id="root">${markup}</div>
        <script id="state" type="application/json">${JSON.stringify(state)}</script>
        <script type="module" src="/page.js"></script>`,
        { headers: { "content-type": "text/html" } },
      );
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    tickets: () => tickets,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

function look<T>(page: Page, read: (kept: Kept) => T): Promise<T> {
  return page.evaluate(`(${read.toString()})(window.kept)`) as Promise<T>;
}

async function textOf(page: Page, id: string): Promise<string> {
  return (await page.locator(`#${id}`).textContent()) ?? "";
}

async function shows(page: Page, id: string, text: string): Promise<void> {
  await eventually(`#${id} shows ${text.slice(0, 20)}`, async () => (await textOf(page, id)) === text);
}

async function publish(relay: TestRelay, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n += 1) {
    await relay.store({ target_user_id: "alice", type: "step", payload: n });
  }
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);

function offsetOf(relay: TestRelay): Promise<string | null> {
  return startingOffset({ relay: relay.url, apiKey: API_KEY, user: "alice" });
}

const inChromium = test.skipIf(chromiumPath === null);

inChromium(
  "200 updates a second are rendered once a frame, each is handled once, and no hook adds a socket",
  async () => {
    await using relay = await startTestRelay({ settings });
    await using site = await startSite({ relay });
    const context = await browser.context();
    const page = await context.newPage();
    await page.goto(site.url);
    await shows(page, "status", "live");
    const before = await look(page, ({ renders, frames }) => ({ ...renders, frames }));
    let n = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const pace = setInterval(() => {
      n += 1;
      void relay.publish({ target_user_id: "alice", type: "step", payload: n });
      if (n === UPDATES) resolve();
    }, PUBLISH_MS);
    await promise;
    clearInterval(pace);
    await shows(page, "total", String(UPDATES));
    const after = await look(page, ({ renders, frames }) => ({ ...renders, frames }));
    const frames = after.frames - before.frames;
    const { list, total } = { list: after.list - before.list, total: after.total - before.total };
    expect(list).toBeLessThanOrEqual(frames + 1);
    expect(total).toBeLessThanOrEqual(frames + 1);
    expect(UPDATES / list).toBeGreaterThan(2);
    expect(UPDATES / total).toBeGreaterThan(2);
    expect(after.status - before.status).toBe(0);
    expect(await textOf(page, "list")).toBe(numbers(1, UPDATES).join(" "));
    expect(await look(page, ({ handled }) => handled)).toEqual(numbers(1, UPDATES));
    expect(await look(page, ({ faults, gaps }) => [...faults, ...gaps])).toEqual([]);
    expect(relay.relay.hub.clientsOf("alice")).toHaveLength(1);
    expect([await relay.metric('tidings_handshakes_total{result="accepted"}'), site.tickets()]).toEqual([
      1, 1,
    ]);
    await context.close();
  },
  60_000,
);

inChromium(
  "StrictMode mounts twice and opens one socket with one ticket, and unmounting closes it",
  async () => {
    await using relay = await startTestRelay({ settings });
    await using site = await startSite({ relay, mode: "development" });
    const context = await browser.context();
    const page = await context.newPage();
    await page.goto(site.url);
    await shows(page, "status", "live");
    // React renders twice in its StrictMode, which shows that this is it.
    expect(await look(page, ({ renders }) => renders.list)).toBeGreaterThan(1);
    await publish(relay, 1, 3);
    await shows(page, "list", "1 2 3");
    expect(await look(page, ({ handled }) => handled)).toEqual([1, 2, 3]);
    expect([await relay.metric('tidings_handshakes_total{result="accepted"}'), site.tickets()]).toEqual([
      1, 1,
    ]);
    await look(page, ({ unmount }) => unmount());
    await eventually("the socket is closed", () => relay.relay.hub.connections === 0);
    await context.close();
  },
  60_000,
);

inChromium(
  "a page goes on from the server's place: what came before it hydrates is shown in one render",
  async () => {
    await using relay = await startTestRelay({ settings });
    await publish(relay, 1, 10);
    await using site = await startSite({
      relay,
      load: async () => ({ since: await offsetOf(relay), loaded: numbers(1, 10) }),
      async render(state) {
        const markup = renderPage(state);
        // The way to the browser takes its time, and the worker goes on.
        await publish(relay, 11, 310);
        return markup;
      },
    });
    const context = await browser.context();
    const page = await context.newPage();
    await page.goto(site.url);
    await shows(page, "list", numbers(1, 310).join(" "));
    await shows(page, "total", "300");
    // Hydrating is the first one.
    expect(await look(page, ({ renders }) => [renders.list, renders.total])).toEqual([2, 2]);
    expect(await look(page, ({ faults, gaps }) => [...faults, ...gaps])).toEqual([]);
    await context.close();
  },
  60_000,
);

inChromium(
  "a page that is not drawn is kept up to date",
  async () => {
    await using relay = await startTestRelay({ settings });
    await using site = await startSite({ relay });
    const context = await browser.context();
    const page = await context.newPage();
    await page.addInitScript(`
    window.requestAnimationFrame = () => 0;
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });`);
    await page.goto(site.url);
    await shows(page, "status", "live");
    await publish(relay, 1, 3);
    await shows(page, "list", "1 2 3");
    await context.close();
  },
  60_000,
);
