import { expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { createClient } from "@redis/client";
import { eventually } from "../support/eventually.ts";
import { startProcess, untilReady } from "../support/process.ts";
import { freePort, startRedis } from "../support/redis-server.ts";
import { TestClient } from "../support/test-client.ts";
import { startTestRelay } from "../support/test-relay.ts";

const KEY = "k".repeat(32);
/** Longer than a request may take, by as much as Bun's timers are coarse, and by what a busy machine adds. */
const CUT_PATIENCE_MS = 25_000;

/** A connection to the relay that sends `first` at once and then `drip`, ten times a second. */
function slowly(
  port: number,
  first: string,
  drip: string,
): { readonly socket: Socket; answer: () => string } {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (bytes) => (answer += bytes.toString("latin1")));
  socket.on("error", () => {});
  if (first !== "") socket.write(first);
  if (drip !== "") {
    const timer = setInterval(() => socket.write(drip), 100);
    socket.on("close", () => clearInterval(timer));
  }
  return { socket, answer: () => answer };
}

test(
  "handshakes and bodies that say nothing, stop or trickle in are cut, and meanwhile keep no place from others",
  async () => {
    await using relay = await startTestRelay({ settings: { max_connections: 1, api_key: KEY } });
    const post = `POST /v1/publish HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\n`;
    const kinds: readonly (readonly [string, string])[] = [
      ["", ""],
      ["GET /ws HTT", ""],
      ["GET /ws HTTP/1.1\r\nHost: x\r\nX: ", "a"],
      ["GET /ws HTTP/1.1\r\nHost: x\r\n", "X: a\r\n"],
      [`${post}Content-Length: 100000\r\n\r\n`, "a"],
      [`${post}Transfer-Encoding: chunked\r\n\r\n`, "1\r\na\r\n"],
    ];
    const held = Array.from({ length: 20 }, () =>
      kinds.map(([first, drip]) => slowly(relay.relay.port, first, drip)),
    ).flat();
    const alice = await relay.connect("alice");
    await relay.publish({ target_user_id: "alice", type: "t", payload: 1 });
    await alice.received(1);
    await eventually("all are cut", () => held.every(({ socket }) => socket.closed), CUT_PATIENCE_MS);
    expect(alice.closeEvent).toBeNull();
  },
  { timeout: 60_000 },
);

test("a flood of headers, a header, an address or a head without end is answered with 431 and cut", async () => {
  await using relay = await startTestRelay();
  const heads = [
    `GET /ws HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 300 }, (_, n) => `X-${n}: 1\r\n`).join("")}\r\n`,
    `GET /ws HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(20_000)}\r\n\r\n`,
    `GET /ws?${"a".repeat(65_536)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET /ws HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(1_000_000)}`,
  ];
  for (const head of heads) {
    const { socket, answer } = slowly(relay.relay.port, head, "");
    await eventually("it is cut", () => socket.closed);
    expect(answer()).toStartWith("HTTP/1.1 431");
  }
});

test("a storm of connections that close at once leaves every place free", async () => {
  const cap = 20;
  await using relay = await startTestRelay({ settings: { max_connections: cap } });
  for (let round = 0; round < 20; round += 1) {
    const clients = await Promise.allSettled(
      Array.from({ length: cap }, () => TestClient.open({ url: `${relay.url}/ws?user_id=storm` })),
    );
    for (const client of clients) if (client.status === "fulfilled") client.value.close();
    await eventually("they are gone", () => relay.relay.hub.connections === 0);
  }
  for (let n = 0; n < cap; n += 1) await relay.connect(`user-${n}`);
  const isOneMoreIn = await TestClient.open({ url: `${relay.url}/ws?user_id=one-more` }).then(
    () => true,
    () => false,
  );
  expect(isOneMoreIn).toBe(false);
});

/** Whether a relay answers somebody who connects anew. */
async function answersNewcomers(port: number): Promise<boolean> {
  const { socket, answer } = slowly(
    port,
    "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "",
  );
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, 1_000);
  socket.on("close", () => resolve());
  await promise;
  clearTimeout(timer);
  socket.destroy();
  return answer().startsWith("HTTP/1.1 200");
}

test(
  "a relay without a free file descriptor serves whom it has, and accepts again when they are free",
  async () => {
    await using redis = await startRedis();
    const port = await freePort();
    await using relay = startProcess(
      ["sh", "-c", 'ulimit -n 160 && exec "$0" packages/server/src/cli/main.ts serve', process.execPath],
      {
        TIDINGS_HOST: "127.0.0.1",
        TIDINGS_PORT: String(port),
        TIDINGS_REDIS_URL: redis.url,
        TIDINGS_INSECURE_USER_ID: "true",
      },
    );
    await untilReady(port);
    const publisher = createClient({ url: redis.url });
    publisher.on("error", () => {});
    await publisher.connect();
    const publish = (payload: number): Promise<number> =>
      publisher.publish("updates", JSON.stringify({ target_user_id: "alice", type: "t", payload }));
    const url = `http://127.0.0.1:${port}/ws?user_id=alice`;
    const early = await TestClient.open({ url });
    const hoard = Array.from({ length: 300 }, () => slowly(port, "", "").socket);
    await eventually("nobody gets in", async () => !(await answersNewcomers(port)));
    await publish(1);
    await early.received(1);
    for (const socket of hoard) socket.destroy();
    await eventually("somebody gets in again", () => answersNewcomers(port));
    const late = await TestClient.open({ url });
    await eventually("the update reaches both", async () => {
      await publish(2);
      return early.texts.length > 1 && late.texts.length > 0;
    });
    expect(early.closeEvent).toBeNull();
    expect(relay.output()).not.toContain('"level":"fatal"');
    publisher.destroy();
    early.close();
    late.close();
  },
  { timeout: 60_000 },
);
