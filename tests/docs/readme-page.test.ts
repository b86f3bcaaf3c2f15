import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { ticketHandler } from "../../packages/client/src/server/ticket-handler.ts";
import { startBrowser } from "../support/browser.ts";
import { startTestRelay } from "../support/test-relay.ts";
import { workshop } from "./programs.ts";
import { readSnippets } from "./snippets.ts";
import { buildPackages, checkTypes, serve, withoutChromium } from "./web.ts";

setDefaultTimeout(300_000);

const SECRET = "0123456789abcdef0123456789abcdef";
const heading = "Receive updates in a browser";

const snippets = await readSnippets("README.md");
const code = {
  client: snippets.take(heading, "ts", "connect({"),
  react: snippets.take(heading, "tsx"),
  route: snippets.take(heading, "ts", "ticketHandler"),
};

/** The route's own session, which the README leaves to its reader. */
const session = "const userOf = async (_request: Request) => ({ id: 'alice' });\n";
const mount = `
  import { createRoot } from "react-dom/client";
  createRoot(document.body.appendChild(document.createElement("main"))).render(<App />);`;

/** Writes a script of the page, and returns what a browser loads. */
async function bundled(folder: string, name: string, text: string): Promise<string> {
  await Bun.write(join(folder, name), text);
  const { outputs } = await Bun.build({ entrypoints: [join(folder, name)], target: "browser" });
  return (await outputs[0]?.text()) ?? "";
}

test.skipIf(withoutChromium)(
  "what the README gives a page works in Chromium: the client, React and the route for tickets",
  async () => {
    await buildPackages("client");
    const settings = {
      jwt_secret: SECRET,
      insecure_user_id: false,
      allowed_origins: ["*"],
      history: true,
    };
    await using relay = await startTestRelay({ settings });
    const folder = await workshop("readme-page");
    const here = (text: string): string => text.replaceAll("https://relay.example.com", relay.url);
    const scripts = new Map([
      ["/client.js", await bundled(folder, "client.ts", here(code.client))],
      ["/react.js", await bundled(folder, "react.tsx", here(code.react) + mount)],
    ]);
    const route = code.route.replace("process.env.TIDINGS_JWT_SECRET", JSON.stringify(SECRET));
    await Bun.write(join(folder, "route.ts"), session + route);
    await checkTypes(folder);
    const { POST } = (await import(join(folder, "route.ts"))) as { POST: ReturnType<typeof ticketHandler> };
    await using site = serve((path, request) => {
      if (path === "/api/tidings") return POST(request);
      const script = scripts.get(path);
      const page =
        '<!doctype html><script type="module" src="/client.js"></script><script type="module" src="/react.js"></script>';
      const type = script === undefined ? "text/html" : "text/javascript";
      return new Response(script ?? page, { headers: { "content-type": type } });
    });
    await using browser = await startBrowser();
    const page = await (await browser.context()).newPage();
    const said: string[] = [];
    page.on("console", (message) => message.type() === "log" && said.push(message.text()));
    await page.goto(site.url);
    await page.locator('ol[aria-busy="false"]').waitFor({ state: "attached" });
    await relay.store({ target_user_id: "alice", type: "agent_update", payload: { text: "Searching…" } });
    await page.getByText("Searching…").waitFor();
    expect(said).toEqual(["{text: Searching…}"]);
  },
);
