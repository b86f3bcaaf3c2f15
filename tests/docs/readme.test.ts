import { describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { SignJWT } from "jose";
import type { RelayClient } from "../../packages/server/src/relay-client.ts";
import { available, GO, PYTHON, pythonWithRedis, REDIS_CLI, type Tool } from "../clients/tools.ts";
import { eventually } from "../support/eventually.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";
import { type CodeBlock, codeBlocks, readDocument, root } from "./code-blocks.ts";

setDefaultTimeout(300_000);

const CURL: Tool = { command: "curl", install: "`apt-get install curl`" };
const API_KEY = "an-api-key-of-a-test";
const SECRET = "0123456789abcdef0123456789abcdef";
const expected = { type: "agent_update", payload: { text: "Searching…" } };

const readme = await readDocument("README.md");
const blocks = codeBlocks(readme);

/** The one block under a heading in a language whose code holds `mark`. */
function block(heading: string, language: string, mark = ""): CodeBlock {
  const found = blocks.filter((one) => {
    return one.heading === heading && one.language === language && one.code.includes(mark);
  });
  expect(found.length).toBe(1);
  return found[0] ?? { heading, language, code: "" };
}

/** The code with this test's addresses in place of those of `npm start`. */
function placed(code: string, relay: TestRelay): string {
  return code
    .replaceAll("localhost:8080", `127.0.0.1:${relay.relay.port}`)
    .replaceAll("redis://127.0.0.1:6390", relay.redis.url);
}

/** Where programs of the README run: inside the checkout, so that they find its packages. */
async function workshop(name: string): Promise<string> {
  const directory = join(root, "node_modules/.cache/tidings/readme", name);
  await mkdir(directory, { recursive: true });
  return directory;
}

interface Running extends AsyncDisposable {
  readonly lines: string[];
  readonly exited: Promise<number>;
}

/** Starts a program of the README; its output is kept, and it is gone when the test's block ends. */
function run(command: readonly string[], relay: TestRelay, cwd: string = root): Running {
  const env = { ...process.env, REDIS_URL: relay.redis.url, TIDINGS_REDIS_URL: relay.redis.url };
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...env, TIDINGS_API_KEY: API_KEY },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const lines: string[] = [];
  const read = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) lines.push(decoder.decode(chunk, { stream: true }));
  };
  const outputs = Promise.all([read(child.stdout), read(child.stderr)]);
  return {
    lines,
    exited: child.exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await Promise.all([child.exited, outputs]);
    },
  };
}

/** Runs a program to its end and fails with what it said where it failed. */
async function finish(command: readonly string[], relay: TestRelay, cwd?: string): Promise<void> {
  await using program = run(command, relay, cwd);
  const status = await program.exited;
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}:\n${program.lines.join("")}`);
}

async function writeScript(name: string, code: string): Promise<string> {
  const path = join(await workshop("typescript"), `${name}.ts`);
  await Bun.write(path, code);
  return path;
}

describe("what the README says about receiving", () => {
  const heading = "Receive updates in a browser";

  test("its one line is a complete client", async () => {
    await using relay = await startTestRelay();
    const code = placed(block(heading, "ts", "?user_id=alice").code, relay);
    await using program = run([process.execPath, await writeScript("one-line", code)], relay);
    await eventually("it is connected", () => relay.relay.hub.clientsOf("alice").length === 1);
    await relay.publish({ target_user_id: "alice", ...expected });
    await eventually("it printed the update", () => program.lines.join("").includes("Searching…"));
  });

  test("its client comes back when it should, and not when it should not", async () => {
    const settings = { jwt_secret: SECRET, insecure_user_id: false, max_message_bytes: 128 };
    await using relay = await startTestRelay({ settings });
    const { listen } = await importListen();
    const updates: unknown[] = [];
    let tokens = 0;
    const getToken = async (): Promise<string> => {
      tokens += 1;
      // The first one is refused, the second one expires while it is in use.
      if (tokens === 1) return "nonsense";
      return tokenFor("alice", tokens === 2 ? 2 : 3_600);
    };
    const connected = (): boolean => relay.relay.hub.clientsOf("alice").length === 1;
    listen(`ws://127.0.0.1:${relay.relay.port}/ws`, getToken, (update) => updates.push(update));
    await eventually("it came back with a better token", () => tokens === 2 && connected());
    await eventually("it came back after that one expired", () => tokens === 3 && connected());
    const [client] = relay.relay.hub.clientsOf("alice");
    client?.close("too_slow");
    await eventually("it came back after it was too slow", () => tokens === 4 && connected());
    await relay.publish({ target_user_id: "alice", ...expected });
    await eventually("it got the update and nothing else", () => updates.length === 1);
    expect(updates).toEqual([expected]);

    // Without jitter both would be back at once, so when the other one is, this one is not coming.
    using _ = spyOn(Math, "random").mockReturnValue(0);
    const bob = (): Promise<string> => tokenFor("bob", 3_600);
    listen(`ws://127.0.0.1:${relay.relay.port}/ws`, bob, () => {});
    await eventually("bob is connected", () => relay.relay.hub.clientsOf("bob").length === 1);
    relay.relay.hub.clientsOf("alice")[0]?.close("forbidden");
    const [first] = relay.relay.hub.clientsOf("bob");
    first?.close("internal");
    const second = (): RelayClient | undefined =>
      relay.relay.hub.clientsOf("bob").find((one) => one !== first);
    await eventually("bob is back", () => second() !== undefined);
    expect(relay.relay.hub.clientsOf("alice")).toEqual([]);
    expect(tokens).toBe(4);
    second()?.close("forbidden");
    await eventually("bob is gone", () => relay.relay.hub.connections === 0);
  });
});

type Listen = (
  url: string,
  getToken: () => Promise<string>,
  onUpdate: (update: { type: string; payload: unknown }) => void,
) => void;

async function importListen(): Promise<{ readonly listen: Listen }> {
  const path = await writeScript("listen", block("Receive updates in a browser", "ts", "tidings.v1").code);
  return (await import(path)) as { readonly listen: Listen };
}

function tokenFor(userId: string, seconds: number): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(userId)
    .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
    .sign(new TextEncoder().encode(SECRET));
}

describe("what the README says about publishing", () => {
  const heading = "Publish updates";

  /** Runs a program that publishes the README's update, and expects it to arrive. */
  async function arrives(start: (relay: TestRelay) => Promise<void>): Promise<void> {
    await using relay = await startTestRelay({ settings: { api_key: API_KEY } });
    const client = await relay.connect("alice");
    await start(relay);
    expect(await client.received(1)).toEqual([expected]);
  }

  test("works in TypeScript", async () => {
    await arrives(async (relay) => {
      await finish([process.execPath, await writeScript("publish", block(heading, "ts").code)], relay);
    });
  });

  test.skipIf(!available(PYTHON))("works in Python", async () => {
    const path = join(await workshop("python"), "publish.py");
    await Bun.write(path, block(heading, "python").code);
    await arrives(async (relay) => finish([await pythonWithRedis(), path], relay));
  });

  test.skipIf(!available(GO))("works in Go", async () => {
    const directory = await workshop("go");
    for (const name of ["go.mod", "go.sum"]) {
      await cp(join(root, "tests/clients/go", name), join(directory, name));
    }
    await Bun.write(join(directory, "main.go"), block(heading, "go").code);
    await arrives(async (relay) => finish(["go", "run", "."], relay, directory));
  });

  test.skipIf(!available(REDIS_CLI))("works with redis-cli", async () => {
    const { code } = block(heading, "sh", "redis-cli");
    await arrives((relay) => finish(["sh", "-c", placed(code, relay)], relay));
  });

  test.skipIf(!available(CURL))("works over HTTP with curl", async () => {
    const { code } = block(heading, "sh", "curl");
    await arrives((relay) => finish(["sh", "-c", placed(code, relay)], relay));
  });

  test("works with tidings publish", async () => {
    await using relay = await startTestRelay();
    const client = await relay.connect("demo");
    await finish(["sh", "-c", placed(block("Try it", "sh").code, relay)], relay);
    expect(await client.received(1)).toEqual([{ type: "note", payload: { text: "Hello" } }]);
  });
});

test.skipIf(!available(REDIS_CLI))("what the README says about missing nothing works", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  const heading = "Miss nothing";
  const store = placed(block(heading, "sh").code, relay);
  await finish(["sh", "-c", store], relay);
  await finish(["sh", "-c", store], relay);
  const path = await writeScript("earliest", placed(block(heading, "ts").code, relay));
  await using program = run([process.execPath, path], relay);
  await eventually("it printed the update", () => program.lines.join("").includes("offset:"));
  await relay.publish({ target_user_id: "alice", type: "last", payload: null });
  await eventually("it printed what came next", () => program.lines.join("").includes("last"));
  expect(program.lines.join("").split("Searching…").length).toBe(2);
});

test("what the README says about what users send works: a worker answers a question", async () => {
  await using relay = await startTestRelay();
  const path = await writeScript("worker", block("Receive what users send", "ts").code);
  await using program = run([process.execPath, path], relay);
  await eventually("the worker listens", async () => {
    expect(program.lines).toEqual([]);
    return (await relay.redis.cli("pubsub", "numsub", "inbound")).endsWith("1");
  });
  const client = await relay.connect("alice");
  client.send({ type: "ask", payload: "why?" });
  expect(await client.received(1)).toEqual([{ type: "answer", payload: "You asked: why?" }]);
});

test("the README's proxy files are those of deploy/", async () => {
  const flat = (text: string): string => text.replaceAll(/^\s+/gm, "");
  const nginx = flat(await readDocument("deploy/nginx.conf"));
  expect(nginx).toContain(flat(block("Into production", "nginx").code));
  const caddy = flat(await readDocument("deploy/Caddyfile"));
  expect(caddy).toContain(flat(block("Into production", "caddyfile").code));
});
