import { expect, setDefaultTimeout, test } from "bun:test";
import { dirname, join } from "node:path";
import { available, PYTHON } from "../clients/tools.ts";
import { pythonWith, sdk } from "../sdks/python-environment.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/redis-server.ts";
import type { TestClient } from "../support/test-client.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";
import { emptyFolder, finish, placed, run, surroundings, writeScript } from "./programs.ts";
import { readSnippets } from "./snippets.ts";
import { buildPackages } from "./web.ts";

setDefaultTimeout(300_000);

const SECRET = "0123456789abcdef0123456789abcdef";

const snippets = await readSnippets("docs/guides/python.md");
const files = snippets.files();
const celery = snippets.take("Celery", "sh");
const uvicorn = snippets.take("FastAPI", "sh", "uvicorn main:app");
const curl = snippets.take("FastAPI", "sh", "curl");
const page = snippets.take("Tickets", "ts");
// The SDK is built and installed by tests of its own.
snippets.take("Python: Celery and FastAPI", "sh");

const withoutPython = !available(PYTHON);

/** What the guide's programs find around them: its packages, the SDK, and a test's Redis. */
async function environment(relay: TestRelay): Promise<Record<string, string>> {
  const python = await pythonWith(join(import.meta.dirname, "python/requirements.txt"), "python-guide");
  return {
    ...surroundings(relay),
    PATH: `${dirname(python)}:${process.env["PATH"]}`,
    PYTHONPATH: join(sdk, "src"),
    PYTHONDONTWRITEBYTECODE: "1",
  };
}

interface Shown {
  readonly type: string;
  readonly payload: { readonly text: string };
}

/** What a page shows of a run: its steps, and the answer that its tokens make. */
function shownOf(updates: readonly unknown[]): { steps: string[]; answer: string } {
  const all = updates as readonly Shown[];
  const texts = (type: string): string[] =>
    all.filter((one) => one.type === type).map(({ payload }) => payload.text);
  return { steps: texts("agent_update"), answer: texts("agent_token").join("") };
}

async function untilDone(client: TestClient): Promise<void> {
  await eventually(
    "the answer is whole",
    () => shownOf(client.frames).steps.includes("Because it is so."),
    60_000,
  );
}

test.skipIf(withoutPython)("the guide for Python publishes in three lines", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  const client = await relay.connect("alice");
  const env = await environment(relay);
  await finish(["python3", "-c", files.get("progress.py") ?? ""], { environment: env });
  expect(shownOf(await client.received(1)).steps).toEqual(["Searching…"]);
});

test.skipIf(withoutPython)(
  "a question from a browser becomes a task of Celery's, whose steps arrive",
  async () => {
    await using relay = await startTestRelay({ settings: { history: true } });
    await using folder = await emptyFolder();
    for (const [name, code] of files) await Bun.write(join(folder.path, name), code);
    const options = {
      cwd: folder.path,
      environment: { ...(await environment(relay)), CELERY_BROKER_URL: `${relay.redis.url}/1` },
    };
    await using workers = run(["sh", "-c", placed(celery.replace(/^pip install .*\n/, ""), relay)], options);
    await using listener = run(["python3", "listener.py"], options);
    await eventually(
      "Celery and the listener are ready",
      async () => {
        const listens = (await relay.redis.cli("pubsub", "numsub", "inbound")).endsWith("1");
        return listens && workers.output().includes("ready.");
      },
      60_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${workers.output()}${listener.output()}`);
    });
    const client = await relay.connect("alice");
    client.send({ type: "ask", payload: "tea" });
    await untilDone(client);
    expect(shownOf(client.frames)).toEqual({
      steps: ["Searching for tea", "Reading 3 pages", "Because it is so."],
      answer: "Because it is so.",
    });
  },
);

test.skipIf(withoutPython)(
  "the guide's FastAPI hands out tickets that a relay takes, and tells what it does",
  async () => {
    await buildPackages("client");
    const settings = { history: true, jwt_secret: SECRET, insecure_user_id: false };
    await using relay = await startTestRelay({ settings });
    await using folder = await emptyFolder();
    await Bun.write(join(folder.path, "main.py"), files.get("main.py") ?? "");
    const port = await freePort();
    const command = uvicorn
      .replace(/^pip install .*\n/, "")
      .replace(/TIDINGS_JWT_SECRET=\S+/, `TIDINGS_JWT_SECRET=${SECRET}`)
      .replace("main:app", `main:app --port ${port}`);
    await using server = run(["sh", "-c", command], {
      cwd: folder.path,
      environment: await environment(relay),
    });
    const url = `http://127.0.0.1:${port}`;
    await eventually("it answers", async () => {
      return (await fetch(`${url}/docs`).catch(() => null))?.ok ?? false;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${server.output()}`);
    });
    expect((await fetch(`${url}/api/tidings`, { method: "POST" })).status).toBe(401);

    const source = `"${url}/api/tidings", { headers: { cookie: "session=mine" } }`;
    const script = await writeScript("ticket", placed(page, relay).replace('"/api/tidings"', source));
    await using client = run([process.execPath, script]);
    await eventually("its ticket is good", () => relay.relay.hub.clientsOf("alice").length === 1);
    await finish(["sh", "-e", "-c", curl.replace("http://127.0.0.1:8000", url)]);
    await eventually("the last step is there", () => client.output().includes("Because it is so."));
    expect(client.output()).toContain("Searching for tea");
  },
);

test("no code of the guide for Python is left untried", () => {
  expect(snippets.left).toEqual([]);
});
