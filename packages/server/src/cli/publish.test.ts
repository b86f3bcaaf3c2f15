import { expect, test } from "bun:test";
import { startTestRelay } from "../../../../tests/support/test-relay.ts";
import { startLog } from "../broker/redis-log/redis-log-test-support.ts";
import { runCli } from "./test-support.ts";

const words = ["publish", "--user", "alice", "--type", "t", "--payload", "1"];

test("publish stores in the log and says where, whether a relay listens or not", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  const environment = { TIDINGS_REDIS_URL: relay.redis.url };
  const client = await relay.connect("alice");
  const { status, out } = await runCli(words, environment);
  expect(status).toBe(0);
  const [, offset = ""] = /^stored as (\S+) and told to 1 relay\n$/.exec(out) ?? [];
  expect(offset).toEndWith(".1");
  await client.received(1);
  expect(client.texts).toEqual([`{"type":"t","payload":1,"offset":"${offset}"}`]);

  await relay.relay.stop();
  const alone = await runCli(words, environment);
  expect(alone.out).toBe(
    `stored as ${offset.replace(/1$/, "2")}; no relay listens, so it waits for those who resume\n`,
  );
  const all = await runCli(["publish", "--user", "*", "--type", "t"], environment);
  expect(all.out).toStartWith("stored as *");
}, 30_000);

test("publish tells those who listen where the relays keep no history, though Redis has the functions", async () => {
  await using log = await startLog();
  await log.broker.close();
  await using relay = await startTestRelay({ redis: log.redis });
  const { status, out } = await runCli(words, { TIDINGS_REDIS_URL: relay.redis.url });
  expect(status).toBe(0);
  expect(out).toStartWith("published on channel updates to 1 relay");
}, 30_000);

test("publish leaves an implicit broadcast to the relays, and says why the log refuses", async () => {
  await using relay = await startTestRelay({
    settings: { history: true, implicit_broadcast: true, max_update_bytes: 1_024 },
  });
  const environment = { TIDINGS_REDIS_URL: relay.redis.url, TIDINGS_IMPLICIT_BROADCAST: "true" };
  const client = await relay.connect("alice");
  const implicit = await runCli(["publish", '{"type":"t","payload":1}'], environment);
  expect(implicit.out).toStartWith("published on channel updates");
  await client.received(1);
  const large = JSON.stringify("x".repeat(2_000));
  const refused = await runCli(["publish", "--user", "a", "--type", "t", "--payload", large], environment);
  expect([refused.status, refused.out]).toEqual([1, ""]);
  expect(refused.err).toContain("(too_large)");
}, 30_000);
