import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { available, GO } from "../clients/tools.ts";
import { eventually } from "../support/eventually.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";
import { finish, placed, run, surroundings, writeGo, writeScript } from "./programs.ts";
import { readSnippets } from "./snippets.ts";

setDefaultTimeout(300_000);

const snippets = await readSnippets("docs/guides/existing-publisher.md");
const update = snippets.take("What an update needs", "json");
const tail = snippets.take("What an update needs", "sh");
const counters = snippets.take("Check it", "sh");
const NUMBERED = "Number updates, so that a loss is seen";
const STORED = "Store it, so that it is not lost";

/** Writes the guide's program under a heading, and returns how it is run there. */
const languages = {
  Go: {
    isThere: available(GO),
    numbered: snippets.take(NUMBERED, "go"),
    stored: snippets.take(STORED, "go"),
    async finish(name: string, code: string, relay: TestRelay): Promise<string> {
      const cwd = await writeGo(name, code);
      return finish(["go", "run", "."], { cwd, environment: surroundings(relay) });
    },
  },
  "Node.js": {
    isThere: true,
    numbered: snippets.take(NUMBERED, "js"),
    stored: snippets.take(STORED, "js"),
    async finish(name: string, code: string, relay: TestRelay): Promise<string> {
      const script = await writeScript(`${name}.mjs`, code);
      return finish(["node", script], { environment: surroundings(relay) });
    },
  },
};

test("an update as the guide has it arrives, is shown by tail and is counted", async () => {
  await using relay = await startTestRelay();
  const client = await relay.connect("alice");
  await using shown = run(["sh", "-c", placed(tail, relay)]);
  await eventually("tail listens", async () => {
    return (await relay.redis.cli("pubsub", "numsub", "updates")).endsWith("2");
  });
  await relay.publishRaw(update);
  expect(await client.received(1)).toEqual([{ type: "agent_update", payload: { text: "Searching…" } }]);
  await eventually("tail shows it", () => shown.output().includes("Searching…"));
  expect(await finish(["sh", "-c", placed(counters, relay)])).toContain(
    'tidings_updates_total{result="delivered"} 1',
  );
});

for (const [language, { isThere, numbered, stored, finish }] of Object.entries(languages)) {
  describe.skipIf(!isThere)(`the guide's publisher in ${language}`, () => {
    test("numbers updates, so that a loss is told, and a restart is none", async () => {
      await using relay = await startTestRelay({ settings: { history: true } });
      const client = await relay.connect("alice", { protocols: ["tidings.v1"] });
      await finish("numbered", numbered, relay);
      await finish("numbered", numbered, relay);
      const [, ...updates] = await client.received(7);
      const seqs = updates.map((one) => (one as { seq?: unknown }).seq);
      expect(seqs).toEqual([1, 2, 3, 1, 2, 3]);
      expect(client.texts.filter((text) => text.includes("tidings.gap"))).toEqual([]);
      const base = { target_user_id: "alice", type: "agent_update", payload: null, producer: "worker-1" };
      await relay.publish({ ...base, seq: 5 });
      expect(await client.frame("tidings.gap")).toMatchObject({
        payload: { reason: "seq", producer: "worker-1", from: 4, to: 4 },
      });
    });

    test("stores an update once however often it is run, and says where", async () => {
      await using relay = await startTestRelay({ settings: { history: true } });
      const first = await finish("stored", stored, relay);
      expect(first).toMatch(/^stored as \S+\.1\s*$/);
      expect(await finish("stored", stored, relay)).toBe(first);
      const url = `${relay.url}/ws?user_id=alice&since=earliest`;
      const client = await relay.connect("alice", { url });
      expect(await client.received(1)).toMatchObject([
        { type: "agent_update", payload: { text: "Searching…" }, id: "run-7-step-1" },
      ]);
    });
  });
}

test("no code of the guide for publishers is left untried", () => {
  expect(snippets.left).toEqual([]);
});
