import { expect } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/redis-server.ts";
import { startTestRelay } from "../support/test-relay.ts";
import { type Agent, startAgent } from "./support/agent.ts";
import { exampleTest, fullTest } from "./support/form.ts";
import { startModel } from "./support/model.ts";

const question = "What happens to a client that reads too slowly?";

async function ask(agent: Agent, run: string): Promise<void> {
  await agent.tell("ada", "ask", { run, thread: "t", question });
}

async function stateOf(agent: Agent, run: string): Promise<string | undefined> {
  return (await agent.stored("ada")).find((stored) => stored.run === run)?.state;
}

fullTest("with OPENAI_BASE_URL the answer comes from that model, which is given the passages", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  await using model = startModel(50);
  await using agent = await startAgent(relay.redis.url, model.environment);
  const client = await relay.connect("ada");
  await ask(agent, "r1");
  await eventually("it speaks", () => model.said.length > 100);
  model.finish();
  await eventually("it is done", async () => (await stateOf(agent, "r1")) === "done");
  expect((await agent.stored("ada"))[0]?.answer).toBe(model.said);
  expect(model.asked).toMatchObject([
    { path: "/v1/chat/completions", key: "Bearer k", body: { model: "counting" } },
  ]);
  expect(model.asked[0]?.body.messages.at(-1)?.content).toContain("TIDINGS_CLIENT_BUFFER_BYTES");
  await eventually("the page is told", () => client.frames.some((frame) => frame.type === "agent_finished"));
});

fullTest("a model that cannot be reached ends the run with words for the user", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  await using agent = await startAgent(relay.redis.url, {
    OPENAI_BASE_URL: `http://127.0.0.1:${await freePort()}/v1`,
    OPENAI_MODEL: "small",
  });
  await ask(agent, "r1");
  await eventually("it has failed", async () => (await stateOf(agent, "r1")) === "failed");
  expect((await agent.stored("ada"))[0]).toMatchObject({ code: "failed", answer: "" });
});

exampleTest("a question that comes twice is answered once, and nobody stops another user's run", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  await using agent = await startAgent(relay.redis.url, { AGENT_WORDS_PER_SECOND: "200" });
  await ask(agent, "r1");
  await ask(agent, "r1");
  await agent.tell("mateo", "cancel", { run: "r1" });
  await eventually("it is done", async () => (await stateOf(agent, "r1")) === "done");
  expect(await agent.stored("ada")).toHaveLength(1);
  expect(await agent.stored("mateo")).toHaveLength(0);
});

exampleTest("the worker's own interface wants its key, and takes nothing that is no message", async () => {
  await using relay = await startTestRelay();
  await using agent = await startAgent(relay.redis.url);
  const get = await fetch(`${agent.url}/conversation?user=ada`, {
    headers: { authorization: "Bearer wrong" },
  });
  expect(get.status).toBe(401);
  expect(agent.tell("*", "ask", { run: "r", thread: "t", question })).rejects.toThrow("400");
  expect(agent.tell("ada", "ask", { run: "r", thread: "t", question: " " })).rejects.toThrow("400");
});
