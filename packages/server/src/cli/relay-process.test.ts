import { expect, setDefaultTimeout, test } from "bun:test";
import { freePort, startRedis } from "../../../../tests/support/redis-server.ts";
import { type Environment, runCli, type RunningCli, startCli } from "./test-support.ts";

setDefaultTimeout(60_000);

const secret = "a-secret-that-is-long-enough-for-hs256";

/** A development relay on free ports, once it listens. */
async function startDev(
  environment: Environment = {},
): Promise<{ cli: RunningCli; url: string; redisUrl: string }> {
  const cli = startCli(["dev", "--port", "0", "--embedded-port", "0"], environment);
  const [, url = ""] = await cli.printed(/Playground {2}(http:\S+)/);
  const [, redisUrl = ""] = environment["TIDINGS_REDIS_URL"] ? [] : await cli.printed(/--redis-url (\S+)/);
  return { cli, url, redisUrl };
}

test("dev needs nothing, and a plain client gets byte for byte what is published", async () => {
  const { cli, url, redisUrl } = await startDev();
  await using _ = cli;
  expect((await fetch(url)).headers.get("content-type")).toContain("text/html");
  const socket = new WebSocket(`${url.replace("http", "ws")}ws?user_id=alice`);
  const message = Promise.withResolvers<string>();
  socket.addEventListener("message", (event) => message.resolve(String(event.data)));
  const opened = Promise.withResolvers<void>();
  socket.addEventListener("open", () => opened.resolve());
  await opened.promise;
  const payload = '{"n": 1e400, "n":12345678901234567890}';
  const words = [
    "publish",
    "--redis-url",
    redisUrl,
    "--user",
    "alice",
    "--type",
    "note",
    "--payload",
    payload,
  ];
  expect(await runCli(words)).toMatchObject({ status: 0, out: expect.stringContaining("to 1 relay ") });
  expect(await message.promise).toBe(`{"type":"note","payload":${payload}}`);
  socket.close();
});

test("dev uses a Redis that is named, and not its embedded broker", async () => {
  await using redis = await startRedis();
  const { cli } = await startDev({ TIDINGS_REDIS_URL: redis.url });
  await using _ = cli;
  await cli.printed(/updates arrive/);
  expect(await redis.cli("pubsub", "numsub", "updates")).toBe("updates\n1");
});

test.each(["SIGTERM", "SIGINT"] as const)("serve drains on %s and exits with 0", async (signal) => {
  await using redis = await startRedis();
  const environment = { TIDINGS_JWT_SECRET: secret, TIDINGS_REDIS_URL: redis.url, TIDINGS_PORT: "0" };
  await using cli = startCli(["serve", "--drain-window", "0s"], environment);
  await cli.printed(/updates arrive/);
  cli.kill(signal);
  const { status, out } = await cli.finished;
  expect(status).toBe(0);
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly msg: string });
  expect(lines.map(({ msg }) => msg)).toEqual(["listening", "updates arrive", "draining", "drained"]);
});

test("a second interrupt leaves a long drain at once with 130", async () => {
  const environment = { TIDINGS_JWT_SECRET: "", TIDINGS_DRAIN_WINDOW: "30s", TIDINGS_DRAIN_DEADLINE: "30s" };
  const { cli, url } = await startDev(environment);
  await using _ = cli;
  const sockets = await Promise.all(
    ["a", "b", "c"].map(async (user) => {
      const socket = new WebSocket(`${url.replace("http", "ws")}ws?user_id=${user}`);
      const opened = Promise.withResolvers<void>();
      socket.addEventListener("open", () => opened.resolve());
      await opened.promise;
      return socket;
    }),
  );
  cli.kill("SIGINT");
  await cli.printed(/draining/);
  // Interrupts close to the first count as the same key, so they are repeated until one is later.
  const again = setInterval(() => cli.kill("SIGINT"), 100);
  const { status } = await cli.finished.finally(() => clearInterval(again));
  expect(status).toBe(130);
  for (const socket of sockets) socket.close();
});

test("a taken port is one line and status 1", async () => {
  await using redis = await startRedis();
  const environment = { TIDINGS_JWT_SECRET: secret, TIDINGS_REDIS_URL: redis.url };
  const { status, err } = await runCli(
    ["serve", "--host", "127.0.0.1", "--port", String(redis.port)],
    environment,
  );
  expect(status).toBe(1);
  expect(err).toMatch(/^tidings: cannot listen on 127\.0\.0\.1:\d+: .*\n$/);
});

test("publish sends input as it is, refuses what is malformed, and says when nobody listens", async () => {
  await using redis = await startRedis();
  const environment = { TIDINGS_REDIS_URL: redis.url };
  await using tail = startCli(["tail", "--json"], environment);
  await tail.printed(/listening on channel updates/);
  const update = '{ "payload":"\\u00e9", "target_user_id":"alice", "type":"t" }';
  expect((await runCli(["publish", "-"], environment, update)).status).toBe(0);
  const [, seen] = await tail.printed(/"update":(.*)\}\n/);
  expect(seen).toBe(update);

  const malformed = await runCli(["publish", '{"type":"t","payload":1}'], environment);
  expect(malformed.status).toBe(1);
  expect(malformed.err).toContain("(target_missing)");
  const nobody = await runCli(["publish", "--channel", "elsewhere", update], environment);
  expect(nobody.status).toBe(1);
  expect(nobody.err).toContain("nobody listens on channel elsewhere");
});

test("tail shows a user's updates and broadcasts, and ends on an interrupt with 0", async () => {
  await using redis = await startRedis();
  const environment = { TIDINGS_REDIS_URL: redis.url };
  await using tail = startCli(["tail", "--user", "alice"], environment);
  await tail.printed(/listening/);
  for (const user of ["bob", "alice", "*"]) {
    await redis.cli("publish", "updates", `{"target_user_id":"${user}","type":"t","payload":"\\n"}`);
  }
  await tail.printed(/ \* \{/);
  tail.kill("SIGINT");
  const { status, out } = await tail.finished;
  expect(status).toBe(0);
  expect(
    out
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" ")[1]),
  ).toEqual(["alice", "*"]);
});

test("tail shows what is stored with its offset", async () => {
  await using redis = await startRedis();
  await using tail = startCli(["tail", "--json"], { TIDINGS_REDIS_URL: redis.url });
  await tail.printed(/listening/);
  await redis.cli("publish", "tidings:log", 'e1.7\nalice\n{"type":"t","payload":1}');
  const [, seen] = await tail.printed(/"target":"alice",(.*)\}\n/);
  expect(seen).toBe('"offset":"e1.7","update":{"type":"t","payload":1}');
});

test("a reader that leaves ends tail with 0", async () => {
  await using redis = await startRedis();
  const words = [process.execPath, new URL("main.ts", import.meta.url).pathname, "tail"].join(" ");
  const child = Bun.spawn(["sh", "-c", `{ ${words}; echo "status $?" >&2; } | head -n 1`], {
    env: { PATH: process.env["PATH"] ?? "", TIDINGS_REDIS_URL: redis.url },
    stdout: "ignore",
    stderr: "pipe",
  });
  const publish = setInterval(() => void redis.cli("publish", "updates", "{}"), 100);
  const err = await new Response(child.stderr).text().finally(() => clearInterval(publish));
  expect(err).toContain("status 0");
});

test("a Redis that leaves ends tail with 1", async () => {
  await using redis = await startRedis();
  const environment = { TIDINGS_REDIS_URL: redis.url };
  await using tail = startCli(["tail"], environment);
  await tail.printed(/listening/);
  await redis.stop();
  expect(await tail.finished).toMatchObject({
    status: 1,
    err: expect.stringContaining("tidings: redis://127.0.0.1"),
  });
});

test("where no Redis answers, publish says what to do, without the password", async () => {
  const port = await freePort();
  const named = await runCli(["publish", "--user", "a", "--type", "t"], {
    TIDINGS_REDIS_URL: `redis://u:geheim@127.0.0.1:${port}`,
  });
  expect(named.status).toBe(1);
  expect(named.err).toContain("see TIDINGS_REDIS_URL");
  expect(named.err).not.toContain("geheim");
});
