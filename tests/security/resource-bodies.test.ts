import { expect, test } from "bun:test";
import { freePort } from "../support/redis-server.ts";
import { startTestRelay } from "../support/test-relay.ts";
import { WireClient } from "../wire/support/wire-client.ts";

const KEY = "key-of-the-tests-of-bodies-0123456789";
const HUGE = 100_000_000;

test("a body that says it has 100 MB gets 413 before any of it is sent", async () => {
  await using relay = await startTestRelay({ settings: { api_key: KEY } });
  using client = new WireClient(relay.relay.port);
  client.send(
    `POST /v1/publish HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\nContent-Length: ${HUGE}\r\n\r\n`,
  );
  expect((await client.answered()).status).toBe(413);
  expect((await relay.http("/healthz")).status).toBe(200);
});

test("a path that scanners look for is 404 on every port, with the key as without", async () => {
  const port = await freePort();
  await using relay = await startTestRelay({ settings: { api_key: KEY, internal_port: port } });
  for (const base of [relay.url, `http://127.0.0.1:${port}`]) {
    for (const path of [
      "/admin",
      "/admin/",
      "/metrics/../admin",
      "/.env",
      "/debug/pprof",
      "/v1",
      "/v1/admin",
    ]) {
      for (const headers of [{}, { authorization: `Bearer ${KEY}` }]) {
        const { status } = await fetch(base + path, { headers });
        expect({ base, path, status }).toEqual({ base, path, status: 404 });
      }
    }
  }
});
