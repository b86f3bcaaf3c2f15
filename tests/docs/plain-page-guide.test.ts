import { afterAll, beforeAll, describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { join } from "node:path";
import { SignJWT } from "jose";
import type { Page } from "playwright-core";
import type { RelayClient } from "../../packages/server/src/relay-client.ts";
import { startBrowser, type TestBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/redis-server.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";
import { emptyFolder, finish, placed, run, writeScript } from "./programs.ts";
import { readSnippets } from "./snippets.ts";
import { pack, serve, unpack, withoutChromium } from "./web.ts";

setDefaultTimeout(300_000);

const SECRET = "0123456789abcdef0123456789abcdef";

const snippets = await readSnippets("docs/guides/plain-page.md");
const files = snippets.files();
const publish = snippets.take("One file", "sh", "publish");
const packing = snippets.take("With the SDK", "sh", "npm pack");
const installing = snippets.take("With the SDK", "sh", "npm install");
const serving = snippets.take("With tokens", "sh", "server.mjs");
const lasting = snippets.take("Without the SDK, but for good", "ts");
// `npm start` and `tidings dev` have tests of their own; this process serves the folder.
snippets.take("A plain page", "sh");
snippets.take("One file", "sh", "http.server");
snippets.take("With tokens", "sh", "tidings -- dev");

let browser: TestBrowser;

beforeAll(async () => {
  if (!withoutChromium) browser = await startBrowser();
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
});

async function open(url: string): Promise<Page> {
  const page = await (await browser.context()).newPage();
  await page.goto(url);
  return page;
}

const listed = (page: Page): Promise<string[]> => page.locator("li").allTextContents();

const shows = (page: Page, ...lines: readonly string[]): Promise<void> =>
  eventually(`the page shows ${lines.join()}`, async () => String(await listed(page)) === String(lines));

describe.skipIf(withoutChromium)("the guide for a plain page", () => {
  test("has one file that shows what is published by its own command", async () => {
    await using relay = await startTestRelay({ settings: { allowed_origins: ["*"] } });
    const html = placed(files.get("index.html") ?? "", relay);
    await using site = serve(() => new Response(html, { headers: { "content-type": "text/html" } }));
    const page = await open(site.url);
    await eventually("it is connected", () => relay.relay.hub.connections === 1);
    await finish(["sh", "-c", placed(publish, relay)]);
    await shows(page, "Hello");
  });

  test("has a page with the SDK that has everything after a break, and a server with tickets for it", async () => {
    await using folder = await emptyFolder();
    await pack(packing, folder.path);
    await unpack(folder.path, "client");
    await finish(["sh", "-e", "-c", installing.replace(/^npm install.*\n/, "")], { cwd: folder.path });
    await using first = await startTestRelay({ settings: { history: true, allowed_origins: ["*"] } });
    const settings = { jwt_secret: SECRET, insecure_user_id: false, allowed_origins: ["*"], history: true };
    await using second = await startTestRelay({ settings, redis: first.redis });
    const relays = new Map<string, TestRelay>([["sdk.html", first]]);
    for (const [name, text] of files) {
      await Bun.write(join(folder.path, name), placed(text, relays.get(name) ?? second));
    }
    const port = await freePort();
    const command = serving.replace(/TIDINGS_JWT_SECRET=\S+/, `TIDINGS_JWT_SECRET=${SECRET}`);
    await using server = run(["sh", "-c", command], {
      cwd: folder.path,
      environment: { PORT: String(port) },
    });
    const url = `http://127.0.0.1:${port}`;
    await eventually("the server answers", async () => {
      return (await fetch(`${url}/sdk.html`).catch(() => null))?.ok ?? false;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${server.output()}`);
    });
    expect((await fetch(`${url}/server.mjs`)).status).toBe(404);
    expect((await fetch(`${url}/none.html`)).status).toBe(404);

    const note = (text: string): Promise<string> =>
      first.store({ target_user_id: "alice", type: "note", payload: { text } });
    await note("one");
    const page = await open(`${url}/sdk.html`);
    await shows(page, "one");
    await page.getByText("live").waitFor();
    first.relay.hub.clientsOf("alice")[0]?.close("too_slow");
    await note("two");
    await shows(page, "one", "two");

    const signedIn = await open(`${url}/signed-in.html`);
    await eventually("its ticket is good", () => second.relay.hub.clientsOf("alice").length === 1);
    await note("three");
    await shows(signedIn, 'note: {"text":"three"}');
    await shows(page, "one", "two", "three");
  });
});

test("the guide's client without the SDK comes back when it should, and not when it should not", async () => {
  const settings = { jwt_secret: SECRET, insecure_user_id: false, max_message_bytes: 128 };
  await using relay = await startTestRelay({ settings });
  const { listen } = await importListen();
  const update = { type: "agent_update", payload: { text: "Searching…" } };
  const updates: unknown[] = [];
  let tokens = 0;
  const getToken = async (): Promise<string> => {
    tokens += 1;
    // The first one is refused, the second one expires while it is in use.
    if (tokens === 1) return "nonsense";
    return tokenFor("alice", tokens === 2 ? 2 : 3_600);
  };
  const connected = (): boolean => relay.relay.hub.clientsOf("alice").length === 1;
  listen(`ws://127.0.0.1:${relay.relay.port}/ws`, getToken, (one) => updates.push(one));
  await eventually("it came back with a better token", () => tokens === 2 && connected());
  await eventually("it came back after that one expired", () => tokens === 3 && connected());
  const [client] = relay.relay.hub.clientsOf("alice");
  client?.close("too_slow");
  await eventually("it came back after it was too slow", () => tokens === 4 && connected());
  await relay.publish({ target_user_id: "alice", ...update });
  await eventually("it got the update and nothing else", () => updates.length === 1);
  expect(updates).toEqual([update]);

  // Without jitter both would be back at once, so when the other one is, this one is not coming.
  using _ = spyOn(Math, "random").mockReturnValue(0);
  const bob = (): Promise<string> => tokenFor("bob", 3_600);
  listen(`ws://127.0.0.1:${relay.relay.port}/ws`, bob, () => {});
  await eventually("bob is connected", () => relay.relay.hub.clientsOf("bob").length === 1);
  relay.relay.hub.clientsOf("alice")[0]?.close("forbidden");
  const [first] = relay.relay.hub.clientsOf("bob");
  first?.close("internal");
  const second = (): RelayClient | undefined => relay.relay.hub.clientsOf("bob").find((one) => one !== first);
  await eventually("bob is back", () => second() !== undefined);
  expect(relay.relay.hub.clientsOf("alice")).toEqual([]);
  expect(tokens).toBe(4);
  second()?.close("forbidden");
  await eventually("bob is gone", () => relay.relay.hub.connections === 0);
});

type Listen = (
  url: string,
  getToken: () => Promise<string>,
  onUpdate: (update: { type: string; payload: unknown }) => void,
) => void;

async function importListen(): Promise<{ readonly listen: Listen }> {
  return (await import(await writeScript("listen", lasting))) as { readonly listen: Listen };
}

function tokenFor(userId: string, seconds: number): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(userId)
    .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
    .sign(new TextEncoder().encode(SECRET));
}

test("no code of the guide for a plain page is left untried", () => {
  expect(snippets.left).toEqual([]);
});
