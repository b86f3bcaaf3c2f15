import { expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/redis-server.ts";
import { startTestRelay } from "../support/test-relay.ts";
import { type Agent, startAgent } from "./support/agent.ts";

const question = "What happens to a client that reads too slowly?";

/** An OpenAI-compatible endpoint that says one line, piece by piece, and keeps what it was asked. */
function startModel(pieces: readonly string[], asked: unknown[]) {
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      asked.push({
        path: new URL(request.url).pathname,
        key: request.headers.get("authorization"),
        body: await request.json(),
      });
      const events = pieces.map(
        (content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`,
      );
      return new Response(`${events.join("")}data: [DONE]\n\n`, {
        headers: { "content-type": "text/event-stream" },
      });
    },
  });
}

async function ask(agent: Agent, run: string): Promise<void> {
  await agent.tell("ada", "ask", { run, thread: "t", question });
}

async function stateOf(agent: Agent, run: string): Promise<string | undefined> {
  return (await agent.stored("ada")).find((stored) => stored.run === run)?.state;
}

test("with OPENAI_BASE_URL the answer comes from that model, which is given the passages", async () => {
  const asked: {
    path: string;
    key: string | null;
    body: { model: string; messages: { content: string }[] };
  }[] = [];
  await using relay = await startTestRelay({ settings: { history: true } });
  using model = startModel(["It is closed ", "with 4480."], asked);
  await using agent = await startAgent(relay.redis.url, {
    OPENAI_BASE_URL: `http://127.0.0.1:${model.port}/v1`,
    OPENAI_MODEL: "small",
    OPENAI_API_KEY: "k",
  });
  const client = await relay.connect("ada");
  await ask(agent, "r1");
  await eventually("it is done", async () => (await stateOf(agent, "r1")) === "done");
  expect((await agent.stored("ada"))[0]?.answer).toBe("It is closed with 4480.");
  expect(asked).toMatchObject([{ path: "/v1/chat/completions", key: "Bearer k", body: { model: "small" } }]);
  expect(asked[0]?.body.messages.at(-1)?.content).toContain("TIDINGS_CLIENT_BUFFER_BYTES");
  await eventually("the page is told", () => client.frames.some((frame) => frame.type === "agent_finished"));
});

test("a model that cannot be reached ends the run with words for the user", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  await using agent = await startAgent(relay.redis.url, {
    OPENAI_BASE_URL: `http://127.0.0.1:${await freePort()}/v1`,
    OPENAI_MODEL: "small",
  });
  await ask(agent, "r1");
  await eventually("it has failed", async () => (await stateOf(agent, "r1")) === "failed");
  expect((await agent.stored("ada"))[0]).toMatchObject({ code: "failed", answer: "" });
});

test("a question that comes twice is answered once, and nobody stops another user's run", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  await using agent = await startAgent(relay.redis.url, { AGENT_WORDS_PER_SECOND: "200" });
  await ask(agent, "r1");
  await ask(agent, "r1");
  await agent.tell("mateo", "cancel", { run: "r1" });
  await eventually("it is done", async () => (await stateOf(agent, "r1")) === "done");
  expect(await agent.stored("ada")).toHaveLength(1);
  expect(await agent.stored("mateo")).toHaveLength(0);
});

test("the worker's own interface wants its key, and takes nothing that is no message", async () => {
  await using relay = await startTestRelay();
  await using agent = await startAgent(relay.redis.url);
  const get = await fetch(`${agent.url}/conversation?user=ada`, {
    headers: { authorization: "Bearer wrong" },
  });
  expect(get.status).toBe(401);
  expect(agent.tell("*", "ask", { run: "r", thread: "t", question })).rejects.toThrow("400");
  expect(agent.tell("ada", "ask", { run: "r", thread: "t", question: " " })).rejects.toThrow("400");
});
