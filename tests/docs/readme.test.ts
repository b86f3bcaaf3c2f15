import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { available, GO, PYTHON, pythonWithRedis, REDIS_CLI, type Tool } from "../clients/tools.ts";
import { eventually } from "../support/eventually.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";
import { readDocument } from "./code-blocks.ts";
import { API_KEY, finish, placed, run, surroundings, writeGo, writeScript } from "./programs.ts";
import { readSnippets } from "./snippets.ts";

setDefaultTimeout(300_000);

const CURL: Tool = { command: "curl", install: "`apt-get install curl`" };
const expected = { type: "agent_update", payload: { text: "Searching…" } };

const snippets = await readSnippets("README.md");
const code = {
  oneLine: snippets.take("Receive updates in a browser", "ts", "?user_id=alice"),
  publish: snippets.take("Try it", "sh"),
  typescript: snippets.take("Publish updates", "ts"),
  python: snippets.take("Publish updates", "python"),
  go: snippets.take("Publish updates", "go"),
  redisCli: snippets.take("Publish updates", "sh", "redis-cli"),
  curl: snippets.take("Publish updates", "sh", "curl"),
  store: snippets.take("Miss nothing", "sh"),
  earliest: snippets.take("Miss nothing", "ts"),
  worker: snippets.take("Receive what users send", "ts"),
  nginx: snippets.take("Into production", "nginx"),
  caddy: snippets.take("Into production", "caddyfile"),
};

/** Runs a command with a relay's addresses in its environment, to its end. */
async function finishAt(relay: TestRelay, command: readonly string[], cwd?: string): Promise<void> {
  await finish(command, { environment: surroundings(relay), ...(cwd !== undefined && { cwd }) });
}

test("what the README calls a complete client is one", async () => {
  await using relay = await startTestRelay();
  const script = await writeScript("one-line", placed(code.oneLine, relay));
  await using program = run([process.execPath, script]);
  await eventually("it is connected", () => relay.relay.hub.clientsOf("alice").length === 1);
  await relay.publish({ target_user_id: "alice", ...expected });
  await eventually("it printed the update", () => program.output().includes("Searching…"));
});

describe("what the README says about publishing", () => {
  /** Runs a program that publishes the README's update, and expects it to arrive. */
  async function arrives(start: (relay: TestRelay) => Promise<void>): Promise<void> {
    await using relay = await startTestRelay({ settings: { api_key: API_KEY } });
    const client = await relay.connect("alice");
    await start(relay);
    expect(await client.received(1)).toEqual([expected]);
  }

  test("works in TypeScript", async () => {
    const script = await writeScript("publish", code.typescript);
    await arrives((relay) => finishAt(relay, [process.execPath, script]));
  });

  test.skipIf(!available(PYTHON))("works in Python", async () => {
    const script = await writeScript("publish.py", code.python);
    await arrives(async (relay) => finishAt(relay, [await pythonWithRedis(), script]));
  });

  test.skipIf(!available(GO))("works in Go", async () => {
    const directory = await writeGo("publish", code.go);
    await arrives((relay) => finishAt(relay, ["go", "run", "."], directory));
  });

  test.skipIf(!available(REDIS_CLI))("works with redis-cli", async () => {
    await arrives((relay) => finishAt(relay, ["sh", "-c", placed(code.redisCli, relay)]));
  });

  test.skipIf(!available(CURL))("works over HTTP with curl", async () => {
    await arrives((relay) => finishAt(relay, ["sh", "-c", placed(code.curl, relay)]));
  });

  test("works with tidings publish", async () => {
    await using relay = await startTestRelay();
    const client = await relay.connect("demo");
    await finishAt(relay, ["sh", "-c", placed(code.publish, relay)]);
    expect(await client.received(1)).toEqual([{ type: "note", payload: { text: "Hello" } }]);
  });
});

test.skipIf(!available(REDIS_CLI))("what the README says about missing nothing works", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  const store = placed(code.store, relay);
  await finishAt(relay, ["sh", "-c", store]);
  await finishAt(relay, ["sh", "-c", store]);
  const script = await writeScript("earliest", placed(code.earliest, relay));
  await using program = run([process.execPath, script]);
  await eventually("it printed the update", () => program.output().includes("offset:"));
  await relay.publish({ target_user_id: "alice", type: "last", payload: null });
  await eventually("it printed what came next", () => program.output().includes("last"));
  expect(program.output().split("Searching…").length).toBe(2);
});

test("what the README says about what users send works: a worker answers a question", async () => {
  await using relay = await startTestRelay();
  const script = await writeScript("worker", code.worker);
  await using program = run([process.execPath, script], { environment: surroundings(relay) });
  await eventually("the worker listens", async () => {
    expect(program.output()).toBe("");
    return (await relay.redis.cli("pubsub", "numsub", "inbound")).endsWith("1");
  });
  const client = await relay.connect("alice");
  client.send({ type: "ask", payload: "why?" });
  expect(await client.received(1)).toEqual([{ type: "answer", payload: "You asked: why?" }]);
});

test("the README's proxy files are those of deploy/", async () => {
  const flat = (text: string): string => text.replaceAll(/^\s+/gm, "");
  expect(flat(await readDocument("deploy/nginx.conf"))).toContain(flat(code.nginx));
  expect(flat(await readDocument("deploy/Caddyfile"))).toContain(flat(code.caddy));
});

test("no code of the README is left untried", () => {
  // `npm start` and `npm run example` have tests of their own; what a page does is in readme-page.test.ts.
  snippets.take("Try it", "console");
  snippets.take("A whole product", "console");
  for (const mark of ["connect({", "ticketHandler"])
    snippets.take("Receive updates in a browser", "ts", mark);
  snippets.take("Receive updates in a browser", "tsx");
  expect(snippets.left).toEqual([]);
});
