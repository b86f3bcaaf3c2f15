import { expect, setDefaultTimeout, test } from "bun:test";
import { generateKeyPair, SignJWT } from "jose";
import { eventually } from "../../../../tests/support/eventually.ts";
import { untilReady } from "../../../../tests/support/process.ts";
import { startRedis } from "../../../../tests/support/redis-server.ts";
import { TestClient } from "../../../../tests/support/test-client.ts";
import { handshakeFor, WireClient } from "../../../../tests/wire/support/wire-client.ts";
import { type RunningCli, startCli } from "./test-support.ts";

setDefaultTimeout(60_000);

async function portOf(cli: RunningCli): Promise<number> {
  const [, port = ""] = await cli.printed(/"port":(\d+)/);
  // Until it is ready it cannot judge anybody, since it does not know which tokens are revoked.
  await untilReady(Number(port));
  return Number(port);
}

/** A token of an algorithm that a key set can hold, so that the relay has to ask for the set. */
async function tokenOf(user: string): Promise<string> {
  const { privateKey } = await generateKeyPair("ES256");
  return new SignJWT({})
    .setProtectedHeader({ alg: "ES256", kid: "k" })
    .setSubject(user)
    .setExpirationTime("1h")
    .sign(privateKey);
}

function messages(out: string): readonly string[] {
  return out
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
}

test("SIGTERM in the midst of a drain begins no second one: each client is told once, and the status is 0", async () => {
  await using redis = await startRedis();
  await using cli = startCli(["serve", "--drain-window", "1s"], {
    TIDINGS_INSECURE_USER_ID: "true",
    TIDINGS_REDIS_URL: redis.url,
    TIDINGS_PORT: "0",
  });
  const url = `http://127.0.0.1:${await portOf(cli)}/ws?user_id=ann`;
  const clients = await Promise.all(
    Array.from({ length: 10 }, () => TestClient.open({ url, protocols: ["tidings.v1"] })),
  );
  await Promise.all(clients.map((client) => client.frame("tidings.welcome")));
  cli.kill("SIGTERM");
  await cli.printed(/"draining"/);
  await eventually("the drain is under way", () => clients.some(({ closeEvent }) => closeEvent !== null));
  expect(clients.some(({ closeEvent }) => closeEvent === null)).toBe(true);
  cli.kill("SIGTERM");
  const { status, out } = await cli.finished;
  expect(status).toBe(0);
  expect(messages(out).slice(-2)).toEqual(["draining", "drained"]);
  expect(messages(out).filter((message) => message === "draining").length).toBe(1);
  for (const client of clients) {
    expect((await client.closed()).code).toBe(1001);
    expect(client.frames.filter(({ type }) => type === "tidings.closing").length).toBe(1);
  }
});

test("SIGTERM in the midst of handshakes, one half sent and one whose token is judged, lets nobody in and leaves with 0", async () => {
  await using redis = await startRedis();
  const asked = Promise.withResolvers<void>();
  using keys = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch() {
      asked.resolve();
      return new Promise<Response>(() => {});
    },
  });
  await using cli = startCli(["serve", "--drain-window", "0s", "--drain-deadline", "1s"], {
    TIDINGS_JWKS_URL: `http://127.0.0.1:${keys.port}/`,
    TIDINGS_REDIS_URL: redis.url,
    TIDINGS_PORT: "0",
  });
  const port = await portOf(cli);
  using half = new WireClient(port);
  half.send(handshakeFor(port, "/ws").slice(0, 60));
  using judged = new WireClient(port);
  judged.send(handshakeFor(port, "/ws", [`Authorization: Bearer ${await tokenOf("ann")}`]));
  await Promise.race([asked.promise, judged.answered().then(({ head }) => Promise.reject(new Error(head)))]);
  cli.kill("SIGTERM");
  const { status, out } = await cli.finished;
  expect(status).toBe(0);
  expect(messages(out).at(-1)).toBe("drained");
  for (const client of [half, judged]) await client.ended();
});

test("SIGTERM while Redis is down closes the clients and leaves with 0 by the deadline", async () => {
  await using redis = await startRedis();
  await using cli = startCli(["serve", "--drain-window", "0s", "--drain-deadline", "1s"], {
    TIDINGS_INSECURE_USER_ID: "true",
    TIDINGS_REDIS_URL: redis.url,
    TIDINGS_HISTORY: "true",
    TIDINGS_PORT: "0",
  });
  const port = await portOf(cli);
  const client = await TestClient.open({
    url: `http://127.0.0.1:${port}/ws?user_id=ann`,
  });
  await redis.kill("SIGKILL");
  await eventually("the relay noticed", async () => {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 503;
  });
  cli.kill("SIGTERM");
  expect((await client.closed()).code).toBe(1001);
  const { status, out } = await cli.finished;
  expect(status).toBe(0);
  expect(messages(out)).toContain("draining");
});
