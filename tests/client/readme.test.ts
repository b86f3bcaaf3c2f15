import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestRelay } from "../support/test-relay.ts";

const here = join(import.meta.dir, "..", "..", "packages", "client");

/** How often something is published while a snippet runs, in milliseconds. */
const PUBLISH_MS = 50;

test("every snippet of the client's README runs against a relay", async () => {
  const readme = await Bun.file(join(here, "README.md")).text();
  const snippets = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code ?? "");
  expect(snippets.length).toBeGreaterThan(5);
  await using relay = await startTestRelay({ settings: { history: true } });
  const publishing = setInterval(() => {
    void relay.publish({ target_user_id: "alice", type: "agent_update", payload: { text: "hello" } });
    void relay.publish({ target_user_id: "alice", type: "done", payload: { ok: true } });
  }, PUBLISH_MS);
  const folder = await mkdtemp(join(tmpdir(), "tidings-readme-"));
  try {
    for (const [at, snippet] of snippets.entries()) {
      const code = snippet
        .replace('"@tidings/client/server"', JSON.stringify(join(here, "src", "server", "index.ts")))
        .replace('"@tidings/client"', JSON.stringify(join(here, "src", "index.ts")))
        .replace('"zod"', JSON.stringify(Bun.resolveSync("zod", join(here, "..", "server"))))
        .replace("https://relay.example.com", `${relay.url}/?user_id=alice`)
        // The first one shows how a page begins: it has no end, and asks a server that is not here.
        .replace('token: fetchTicket("/api/tidings")', "token: () => null");
      const path = join(folder, `snippet-${at}.ts`);
      await writeFile(path, at === 0 ? `${code}\nsetTimeout(() => process.exit(0), 500);` : code);
      const run = Bun.spawn([process.execPath, path], { stdout: "pipe", stderr: "pipe" });
      const [status, errors] = await Promise.all([run.exited, new Response(run.stderr).text()]);
      expect({ snippet: at, status, errors }).toEqual({ snippet: at, status: 0, errors: "" });
    }
  } finally {
    clearInterval(publishing);
    await rm(folder, { recursive: true, force: true });
  }
});
