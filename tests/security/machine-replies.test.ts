import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { type LyingProxy, startLyingProxy } from "../support/lying-proxy.ts";
import { startRedis } from "../support/redis-server.ts";
import type { TestClient } from "../support/test-client.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";

setDefaultTimeout(120_000);

/** What a Redis may answer in the middle of a relay's life, and a word of what the relay says then. */
const replies: readonly { readonly name: string; readonly bytes: string; readonly says: RegExp }[] = [
  { name: "noauth", bytes: "-NOAUTH Authentication required.\r\n", says: /NOAUTH/ },
  { name: "noperm", bytes: "-NOPERM this user has no permissions\r\n", says: /NOPERM/ },
  { name: "moved", bytes: "-MOVED 3999 10.0.0.9:6381\r\n", says: /node of a cluster/ },
  { name: "ask", bytes: "-ASK 3999 10.0.0.9:6381\r\n", says: /\(ASK\)/ },
  { name: "clusterdown", bytes: "-CLUSTERDOWN The cluster is down\r\n", says: /node of a cluster/ },
  { name: "loading", bytes: "-LOADING Redis is loading the dataset\r\n", says: /still loading/ },
  { name: "readonly", bytes: "-READONLY You can't write against a replica\r\n", says: /READONLY/ },
  { name: "masterdown", bytes: "-MASTERDOWN Link with MASTER is down\r\n", says: /MASTERDOWN/ },
  { name: "misconf", bytes: "-MISCONF Redis is configured to save\r\n", says: /MISCONF/ },
  { name: "oom", bytes: "-OOM command not allowed\r\n", says: /OOM/ },
  { name: "noreplicas", bytes: "-NOREPLICAS Not enough good replicas\r\n", says: /NOREPLICAS/ },
  { name: "busy", bytes: "-BUSY Redis is busy running a script\r\n", says: /BUSY/ },
  { name: "unknown-error", bytes: "-geheim geheim\r\n", says: /answered with an error \(ERR\)/ },
  { name: "garbage", bytes: "\0\xff\x80garbage geheim\r\n".repeat(200), says: /./ },
  { name: "http", bytes: "HTTP/1.1 400 Bad Request\r\n\r\n<h1>geheim</h1>", says: /./ },
  { name: "wrong-types", bytes: "*2\r\n$1\r\na\r\n:1\r\n", says: /./ },
  { name: "half-a-reply", bytes: "$100\r\nhalf", says: /./ },
  { name: "huge-length", bytes: "$99999999999999\r\nx", says: /./ },
  { name: "negative-length", bytes: "*-7\r\n$-9\r\n", says: /./ },
  { name: "deep-nesting", bytes: "*1\r\n".repeat(200_000), says: /./ },
  { name: "forged-push", bytes: ">3\r\n$7\r\nmessage\r\n$5\r\nother\r\n$6\r\ngeheim\r\n", says: /./ },
];

let relay: TestRelay;
let proxy: LyingProxy;
let client: TestClient;
const resources = new AsyncDisposableStack();

beforeAll(async () => {
  const redis = resources.use(await startRedis());
  proxy = resources.use(await startLyingProxy(redis.port));
  const settings = { redis_url: proxy.url, history: true, probe_interval: 100, redis_timeout: 500 };
  relay = resources.use(await startTestRelay({ redis, settings }));
  client = await relay.connect("ann");
});

afterAll(() => resources.disposeAsync());

for (const { name, bytes, says } of replies) {
  test(`fault.replies.${name}: the relay is not ready, says why without repeating it, and comes back by itself`, async () => {
    const told = proxy.lies;
    const logged = relay.log.length;
    proxy.lie = Buffer.from(bytes, "latin1");
    await eventually("it is told", () => proxy.lies > told + 1);
    await eventually("the relay is not ready and says why", async () => {
      const answer = await relay.http("/readyz");
      return answer.status === 503 && says.test(await answer.text());
    });
    proxy.lie = null;
    await relay.ready();
    await relay.store({ target_user_id: "ann", type: name, payload: 1 });
    await client.frame(name);
    expect(client.closeEvent).toBeNull();
    const lines = relay.log.slice(logged).join("");
    for (const word of ["geheim", "10.0.0.9", '"level":"fatal"', "bug"]) expect(lines).not.toContain(word);
  });
}
