import { expect, test } from "bun:test";
import { eventually } from "./support/eventually.ts";
import { chromiumPath, startBrowser } from "./support/browser.ts";
import { startTestRelay } from "./support/test-relay.ts";

const needsChromium = test.skipIf(chromiumPath === null && process.env["CI"] !== "true");

interface Seen {
  readonly type: string;
  readonly payload: unknown;
}

needsChromium(
  "a page of an allowed origin follows a stream with EventSource, which resumes by itself after a cut",
  async () => {
    await using relay = await startTestRelay({
      settings: { history: true, allowed_origins: ["http://localhost:*"] },
      // An EventSource waits a second before it comes back, and not two.
      random: () => 0,
    });
    using app = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () =>
        new Response("<!doctype html><title>app</title>", { headers: { "content-type": "text/html" } }),
    });
    await using browser = await startBrowser();
    const context = await browser.context();
    const page = await context.newPage();
    await page.goto(`http://localhost:${app.port}/`);
    const script = `
      globalThis.seen = [];
      new EventSource(${JSON.stringify(`${relay.url}/v1/stream?user_id=ann`)}, { withCredentials: true })
        .onmessage = ({ data }) => seen.push(JSON.parse(data));
    `;
    await page.evaluate(script);
    const connected = (): boolean => relay.relay.hub.clientsOf("ann").length === 1;
    const seen = (): Promise<Seen[]> => page.evaluate("seen");
    const payloads = async (): Promise<unknown[]> =>
      (await seen()).filter(({ type }) => type === "t").map(({ payload }) => payload);
    await eventually("it is connected", connected);
    await relay.publishRaw('{"target_user_id":"ann",\r\n"type":"t","payload":1}');
    await eventually("the first came", async () => (await payloads()).length === 1);
    relay.relay.hub.clientsOf("ann")[0]?.close("too_slow");
    await relay.store({ target_user_id: "ann", type: "t", payload: 2 });
    await eventually("it is back", connected);
    await relay.store({ target_user_id: "ann", type: "t", payload: 3 });
    await eventually("all came", async () => (await payloads()).length === 3);
    expect(await payloads()).toEqual([1, 2, 3]);
    const welcome = (await seen()).findLast(({ type }) => type === "tidings.welcome");
    expect(welcome?.payload).toMatchObject({ recovered: true, following: 1 });
  },
);

needsChromium(
  "a page of an allowed origin may fetch a stream with a token and an id, and reads why it is refused",
  async () => {
    await using relay = await startTestRelay({
      settings: { jwt_secret: "0123456789abcdef0123456789abcdef", allowed_origins: ["http://localhost:*"] },
    });
    using app = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("app") });
    await using browser = await startBrowser();
    const page = await (await browser.context()).newPage();
    await page.goto(`http://localhost:${app.port}/`);
    const answer: unknown = await page.evaluate(`
      fetch(${JSON.stringify(`${relay.url}/v1/stream`)}, {
        headers: { authorization: "Bearer nonsense", "last-event-id": "e.1", "cache-control": "no-cache" },
        credentials: "include",
      }).then(async (response) => [response.status, (await response.json()).type])
    `);
    expect(answer).toEqual([401, "urn:tidings:problem:token_refused"]);
  },
);
