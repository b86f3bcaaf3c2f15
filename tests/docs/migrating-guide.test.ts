import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";
import { codeBlocks, readDocument } from "./code-blocks.ts";
import { API_KEY, finish, placed, run, surroundings, workshop, writeScript } from "./programs.ts";
import { readSnippets } from "./snippets.ts";
import { buildPackages, checkTypes, serve, withoutChromium } from "./web.ts";

setDefaultTimeout(300_000);

const path = "docs/guides/migrating.md";
const snippets = await readSnippets(path);
const worker = snippets.take("From Socket.IO", "ts", "TidingsWorker");
const page = snippets.take("From Socket.IO", "ts", "fetchTicket");
const publish = snippets.take("From Pusher", "js", "/v1/publish");
const stream = snippets.take("From server-sent events of your own", "js", "/v1/stream");
const before = codeBlocks(await readDocument(path)).filter(({ code }) => code.startsWith("// before\n"));

/** The page's code as a program: its token is the user's id, as development has it. */
const asProgram = (relay: TestRelay): string =>
  page
    .replace("https://relay.example.com", `${relay.url}/?user_id=alice`)
    .replace('fetchTicket("/api/tidings")', "() => (fetchTicket, null)");

test("what becomes of Socket.IO: a worker hears the page and answers it, and both fit their types", async () => {
  await buildPackages("client", "worker");
  await using relay = await startTestRelay({ settings: { history: true } });
  const folder = await workshop("migrating");
  await Bun.write(join(folder, "worker.ts"), worker);
  await Bun.write(join(folder, "page.ts"), page);
  await checkTypes(folder);
  await using working = run([process.execPath, await writeScript("moved-worker", placed(worker, relay))]);
  await eventually("the worker listens", async () => {
    expect(working.output()).toBe("");
    return (await relay.redis.cli("pubsub", "numsub", "inbound")).endsWith("1");
  });
  await using shown = run([process.execPath, await writeScript("moved-page", asProgram(relay))]);
  await eventually("the page shows both steps", () => shown.output() === "Searching for why?\nDone.\n");
});

test("what becomes of Pusher's trigger publishes over HTTP", async () => {
  await using relay = await startTestRelay({ settings: { api_key: API_KEY } });
  const client = await relay.connect("alice");
  const script = await writeScript("moved-trigger.mjs", placed(publish, relay));
  await finish(["node", script], { environment: surroundings(relay) });
  expect(await client.received(1)).toEqual([{ type: "step", payload: { text: "Searching…" } }]);
});

test.skipIf(withoutChromium)("an EventSource goes on as it was, at the relay", async () => {
  await using relay = await startTestRelay({ settings: { allowed_origins: ["*"] } });
  const script = stream.replace(
    "https://relay.example.com/v1/stream",
    `${relay.url}/v1/stream?user_id=alice`,
  );
  const html = `<!doctype html><script>${script}</script>`;
  await using site = serve(() => new Response(html, { headers: { "content-type": "text/html" } }));
  await using browser = await startBrowser();
  const tab = await (await browser.context()).newPage();
  const said: string[] = [];
  tab.on("console", (message) => message.type() === "log" && said.push(message.text()));
  await tab.goto(site.url);
  await eventually("it is connected", () => relay.relay.hub.clientsOf("alice").length === 1);
  await relay.publish({ target_user_id: "alice", type: "other", payload: {} });
  await relay.publish({ target_user_id: "alice", type: "step", payload: { text: "Searching…" } });
  await eventually("it shows the step", () => said.length > 0);
  expect(said).toEqual(["Searching…"]);
});

test("the code that people come from is JavaScript", () => {
  // Its libraries are not installed here, so it is read and not run.
  expect(before.length).toBe(6);
  for (const { code } of before) {
    expect(() => new Bun.Transpiler({ loader: "js" }).transformSync(code)).not.toThrow();
  }
});

test("no code of the guide for moving is left untried", () => {
  const known = before.map(({ heading, code }) => `${heading}: ${code.split("\n")[0]}`);
  expect(snippets.left).toEqual(known);
});
