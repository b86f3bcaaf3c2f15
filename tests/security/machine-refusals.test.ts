import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { freePort, type RedisServer, startRedis } from "../support/redis-server.ts";
import { startTidings, untilReady } from "../support/process.ts";
import type { TestClient } from "../support/test-client.ts";
import { startTestRelay } from "../support/test-relay.ts";

setDefaultTimeout(60_000);

const API_KEY = "key-of-the-refusal-tests-0123456789";

interface Refusal {
  readonly name: string;
  /** The word with which Redis refuses a write. */
  readonly word: string;
  readonly break: (redis: RedisServer) => Promise<void>;
  readonly mend: (redis: RedisServer) => Promise<void>;
}

const refusals: readonly Refusal[] = [
  {
    name: "fault.redis.oom",
    word: "OOM",
    break: async (redis) => void (await redis.cli("CONFIG", "SET", "maxmemory", "1")),
    mend: async (redis) => void (await redis.cli("CONFIG", "SET", "maxmemory", "0")),
  },
  {
    name: "fault.redis.misconf",
    word: "MISCONF",
    async break(redis) {
      const directory = await mkdtemp(join(tmpdir(), "tidings-gone-"));
      await redis.cli("CONFIG", "SET", "dir", directory);
      await redis.cli("CONFIG", "SET", "save", "3600 1");
      await rm(directory, { recursive: true });
      await redis.cli("BGSAVE");
      await eventually("the snapshot failed", async () =>
        (await redis.cli("INFO", "persistence")).includes("rdb_last_bgsave_status:err"),
      );
    },
    mend: async (redis) => void (await redis.cli("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")),
  },
  {
    name: "fault.redis.noreplicas",
    word: "NOREPLICAS",
    break: async (redis) => void (await redis.cli("CONFIG", "SET", "min-replicas-to-write", "1")),
    mend: async (redis) => void (await redis.cli("CONFIG", "SET", "min-replicas-to-write", "0")),
  },
];

const payloads = ({ frames }: TestClient): readonly unknown[] => frames.map(({ payload }) => payload);

for (const refusal of refusals) {
  test(`${refusal.name}: while Redis refuses writes and takes PUBLISH, nothing is delivered that is not in the log, and 503 says why`, async () => {
    await using redis = await startRedis({ args: ["--enable-protected-configs", "yes"] });
    await using relay = await startTestRelay({ redis, settings: { history: true, api_key: API_KEY } });
    const client = await relay.connect("ann");
    await relay.store({ target_user_id: "ann", type: "t", payload: "before" });
    await refusal.break(relay.redis);

    const update = (payload: string): Record<string, unknown> => ({
      target_user_id: "ann",
      type: "t",
      payload,
    });
    expect(await relay.redis.cli("PUBLISH", "updates", JSON.stringify(update("published")))).toBe("1");
    const stored = relay.redis.cli(
      "FCALL",
      "tidings_publish",
      "1",
      "tidings:{ann}:log",
      JSON.stringify(update("called")),
    );
    expect(stored).rejects.toThrow(refusal.word);
    const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };
    const posted = await relay.http("/v1/publish", {
      method: "POST",
      headers,
      body: JSON.stringify(update("posted")),
    });
    expect([posted.status, await posted.text()]).toEqual([503, expect.stringContaining(refusal.word)]);
    await eventually("the relay says why it is not ready", async () => {
      const answer = await relay.http("/readyz");
      return answer.status === 503 && (await answer.text()).includes(refusal.word);
    });
    const log = await relay.redis.cli("XRANGE", "tidings:{ann}:log", "-", "+");
    expect([log.includes("published"), log.includes("called"), log.includes("posted")]).toEqual([
      false,
      false,
      false,
    ]);
    expect(payloads(client)).toEqual(["before"]);

    await refusal.mend(relay.redis);
    await eventually("updates are taken", () =>
      relay.store({ target_user_id: "ann", type: "t", payload: "after" }).then(
        () => true,
        () => false,
      ),
    );
    await eventually("they arrive", () => payloads(client).includes("after"));
    const all = await relay.redis.cli("XRANGE", "tidings:{ann}:log", "-", "+");
    for (const payload of payloads(client)) expect(all).toContain(`"payload":"${String(payload)}"`);
    expect(payloads(client)).not.toContain("called");
    expect(payloads(client)).not.toContain("posted");
  });
}

test("fault.redis.loading: a relay says that Redis still loads its data, and is ready once it has", async () => {
  const port = await freePort();
  const directory = await mkdtemp(join(tmpdir(), "tidings-loading-"));
  {
    await using redis = await startRedis({ args: ["--dir", directory] });
    await redis.cli("EVAL", "for n = 1, 2000 do redis.call('SET', n, n) end", "0");
    await redis.cli("SAVE");
  }
  const slowly = ["--key-load-delay", "2500", "--loading-process-events-interval-bytes", "1024"];
  const child = Bun.spawn(
    [
      "redis-server",
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--dir",
      directory,
      "--save",
      "",
      ...slowly,
    ],
    { stdio: ["ignore", "ignore", "ignore"] },
  );
  try {
    const own = await freePort();
    await using relay = startTidings(["serve"], {
      TIDINGS_HOST: "127.0.0.1",
      TIDINGS_PORT: String(own),
      TIDINGS_REDIS_URL: `redis://127.0.0.1:${port}`,
      TIDINGS_INSECURE_USER_ID: "true",
      TIDINGS_HISTORY: "true",
    });
    await eventually("it says so", () =>
      relay.output().includes("Redis is still loading its data (LOADING)"),
    );
    await untilReady(own);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    await rm(directory, { recursive: true });
  }
});
