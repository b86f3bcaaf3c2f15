import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { available, type Tool } from "../clients/tools.ts";
import { startNginx } from "../deploy/nginx-server.ts";
import { eventually } from "../support/eventually.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";

const NGINX: Tool = { command: "nginx", install: "`apt-get install nginx-light`" };
const NOISE = '\u001b[31m"}{"level":"fatal","msg":"forged"}\r\n';

/** Sends bytes and resolves with all that came back once the other side is done or silent for a second. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.setTimeout(1_000, resolve);
  socket.on("data", (bytes) => (answer += bytes.toString("latin1")));
  socket.on("close", () => resolve());
  socket.on("error", () => resolve());
  socket.write(text);
  await promise;
  socket.destroy();
  return answer;
}

/** Everything that an outsider can name once: methods, paths, origins, addresses, users, types, close codes. */
async function nameEverything(relay: TestRelay, n: number): Promise<void> {
  const head = `Host: x\r\nOrigin: https://evil-${n}.test\r\nX-Forwarded-For: 203.0.113.${n}\r\nConnection: close\r\n\r\n`;
  for (const line of [`M${n} /`, `GET /p${n}`, `GET /ws?user_id=u${n}`, `GET /v1/stream?user_id=u${n}`]) {
    await exchange(relay.relay.port, `${line} HTTP/1.1\r\n${head}`);
  }
  await relay.publish({ target_user_id: `u${n}`, type: `t${n}`, payload: n });
  await relay.publish({ target_user_id: n, type: `t${n}` });
  const client = await relay.connect(`user-${n}`);
  client.send({ type: `t${n}`, payload: n });
  client.send(n % 2 === 0 ? "not JSON" : { type: `tidings.t${n}`, payload: n });
  client.close();
  await client.closed();
}

async function series(relay: TestRelay): Promise<readonly string[]> {
  const text = await (await relay.http("/metrics")).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => line.slice(0, line.lastIndexOf(" "))).toSorted();
}

test("no name from outside becomes a label: the number of metrics stays as it is", async () => {
  await using relay = await startTestRelay();
  await nameEverything(relay, 0);
  await nameEverything(relay, 1);
  await relay.ready();
  const before = await series(relay);
  for (let n = 2; n < 30; n += 1) await nameEverything(relay, n);
  expect(await series(relay)).toEqual(before);
});

test("noise in headers, paths, user ids and close reasons forges no line of the log and does not fill it", async () => {
  await using relay = await startTestRelay({ settings: { trusted_proxies: ["127.0.0.1"] } });
  const { port } = relay.relay;
  const user = encodeURIComponent(`u${NOISE}`);
  const raw = ["User-Agent", "Origin", "X-Forwarded-For", "Cookie", "Referer"].map((name) => {
    return `GET /ws?user_id=a HTTP/1.1\r\nHost: x\r\n${name}: ${NOISE.trim()}${"z".repeat(10_000)}\r\n\r\n`;
  });
  for (const text of [
    ...raw,
    `GET /ws?user_id=${user} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET /${NOISE}\r\n\r\n`,
  ]) {
    await exchange(port, text);
  }
  const upgrade =
    "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n";
  const longOrigin = `Origin: https://${"z".repeat(10_000)}\t.test\r\n`;
  await exchange(port, `GET /ws?user_id=long HTTP/1.1\r\n${longOrigin}${upgrade}\r\n`);
  await eventually("the origin is logged", () => relay.log.some((line) => line.includes("https://zzz")));
  await relay.http(`/v1/users/${user}/connections`, { method: "DELETE" });
  await relay.publishRaw(NOISE);
  await relay.publish({ target_user_id: `u${NOISE}`, type: `t${NOISE}`, payload: NOISE });
  await relay.connect(`u-${"é".repeat(100)}`);
  const reason = Buffer.from(`bye ${NOISE}`);
  const close = Buffer.from([0x88, 0x80 | (reason.length + 2), 0, 0, 0, 0, 0x0f, 0xa0, ...reason]);
  const closer = connect(port, "127.0.0.1");
  closer.write(`GET /ws?user_id=closer HTTP/1.1\r\n${upgrade}\r\n`);
  await eventually("it is in", () => relay.relay.hub.clientsOf("closer").length === 1);
  closer.write(close);
  await eventually("its reason is logged", () =>
    relay.log.some((line) => line.includes("by the client bye")),
  );
  closer.destroy();
  for (const line of relay.log) {
    expect(line).toEndWith("\n");
    expect(line.trim().split("\n").length).toBe(1);
    expect(JSON.parse(line)).not.toMatchObject({ msg: "forged" });
    // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
    expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(line.length).toBeLessThan(2_000);
  }
});

describe.skipIf(!available(NGINX))(
  "through nginx, which lets nothing but /ws and /v1/stream through,",
  () => {
    test("no spelling of a path and no hidden request reaches what is behind it", async () => {
      await using relay = await startTestRelay({ settings: { api_key: "k".repeat(32) } });
      await using nginx = await startNginx({ relays: [relay.relay.port] });
      const paths = [
        "/metrics",
        "//metrics",
        "/ws/../metrics",
        "/ws/..%2fmetrics",
        "/ws%2f..%2fmetrics",
        "/ws%2e%2e/metrics",
        "/ws/..;/metrics",
        "/ws\\..\\metrics",
        "/%77s/../metrics",
        "/./metrics",
        "/%6detrics",
        "/ws?/../metrics",
        "/ws#/../metrics",
        "/ws%00/metrics",
        "http://127.0.0.1/metrics",
        "/METRICS",
      ];
      for (const path of paths) {
        const answer = await exchange(
          nginx.port,
          `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
        );
        expect({ path, isReached: answer.includes("tidings_connections") }).toEqual({
          path,
          isReached: false,
        });
      }
      const hidden = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
      const upgrade =
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n";
      const heads = [
        `Host: x\r\nContent-Length: ${hidden.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Host: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Host: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n",
        `Host: x\r\n${upgrade}Sec-WebSocket-Version: 12\r\n\r\n`,
        `Host: x\r\n${upgrade}Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n`,
        "Host: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
      ];
      for (const head of heads) {
        const answer = await exchange(nginx.port, `GET /ws?user_id=a HTTP/1.1\r\n${head}${hidden}`);
        expect({ head, isReached: answer.includes("tidings_connections") }).toEqual({
          head,
          isReached: false,
        });
      }
    });
  },
);
