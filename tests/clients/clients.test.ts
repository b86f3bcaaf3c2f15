import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { available, GO, goTrial, NODE, PYTHON, pythonWithRedis, type Tool } from "./tools.ts";
import { runTrial } from "./trial.ts";

setDefaultTimeout(300_000);

const programs = join(import.meta.dirname, "programs");

interface Candidate {
  readonly name: string;
  readonly tool: Tool;
  /** The command line, after what it needs was installed. */
  readonly prepare: () => Promise<readonly string[]>;
}

const candidates: readonly Candidate[] = [
  { name: "node-redis", tool: NODE, prepare: async () => ["node", join(programs, "node-redis.mjs")] },
  { name: "ioredis", tool: NODE, prepare: async () => ["node", join(programs, "ioredis.mjs")] },
  {
    name: "redis-py (sync)",
    tool: PYTHON,
    prepare: async () => [await pythonWithRedis(), join(programs, "redis_py_sync.py")],
  },
  {
    name: "redis-py (asyncio)",
    tool: PYTHON,
    prepare: async () => [await pythonWithRedis(), join(programs, "redis_py_asyncio.py")],
  },
  { name: "go-redis", tool: GO, prepare: async () => [await goTrial()] },
];

for (const { name, tool, prepare } of candidates) {
  for (const protocol of [2, 3] as const) {
    const title = `${name} subscribes, publishes, stores, pings, pipelines and reconnects over protocol ${protocol}`;
    test.skipIf(!available(tool))(title, async () => {
      const outcome = await runTrial(await prepare(), protocol);
      expect(outcome.exitCode).toBe(0);
      expect(outcome.answers).toEqual([
        "ping PONG",
        "published 1",
        "pipeline 1 1",
        expect.stringMatching(/^stored [0-9a-f]{10}-1\.1$/),
        // One of the libraries takes the code off the error's text.
        expect.stringMatching(/^refused (?:ERR )?tidings: not_json: the update is not JSON in UTF-8$/),
      ]);
      expect(outcome.messages).toEqual(["one", "two", "three", "restarted", "back"]);
    });
  }
}
