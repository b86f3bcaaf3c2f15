import { expect, test } from "bun:test";
import { RawClient } from "../support/raw-client.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";

const CAP = 3;
const handshake = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "MDEyMzQ1Njc4OWFiY2RlZg==",
};

/** Connects as somebody whose `X-Forwarded-For` says this: a client, or the status of a refusal. */
async function connectAs(relay: TestRelay, forwardedFor: string): Promise<RawClient | number> {
  const path = "/ws?user_id=u";
  const request = Object.entries({ ...handshake, "x-forwarded-for": forwardedFor });
  return RawClient.open(relay.relay.port, `${path} HTTP/1.1\r\n${headers(request)}X: `).catch(
    (error: unknown) => Number(/^HTTP\/1.1 (\d+)/.exec(error instanceof Error ? error.message : "")?.[1]),
  );
}

function headers(entries: readonly (readonly [string, string])[]): string {
  return entries
    .filter(([name]) => name === "x-forwarded-for")
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
}

test("who forges X-Forwarded-For has one address, however many it claims", async () => {
  await using relay = await startTestRelay({ settings: { max_connections_per_address: CAP } });
  const results: (RawClient | number)[] = [];
  for (let n = 0; n < 200; n += 1) results.push(await connectAs(relay, `203.0.113.${n}, 198.51.100.${n}`));
  expect(results.filter((result) => typeof result !== "number").length).toBe(CAP);
  expect(new Set(results.filter((result) => typeof result === "number"))).toEqual(new Set([429]));
});

test("behind a trusted proxy the address it saw counts, whatever stands before it", async () => {
  await using relay = await startTestRelay({
    settings: { max_connections_per_address: CAP, trusted_proxies: ["127.0.0.1"] },
  });
  for (let n = 0; n < CAP; n += 1) {
    expect(await connectAs(relay, `203.0.113.${n}, 198.51.100.7`)).toBeInstanceOf(RawClient);
  }
  expect(await connectAs(relay, "203.0.113.200, 198.51.100.7")).toBe(429);
  expect(await connectAs(relay, "198.51.100.7, 203.0.113.200")).toBeInstanceOf(RawClient);
});

test("all addresses of one IPv6 /64 count as one, and the next /64 as another", async () => {
  await using relay = await startTestRelay({
    settings: { max_connections_per_address: CAP, trusted_proxies: ["127.0.0.1"] },
  });
  for (let n = 0; n < CAP; n += 1) {
    expect(await connectAs(relay, `2001:db8:1:2:${n}::${n}`)).toBeInstanceOf(RawClient);
  }
  expect(await connectAs(relay, "2001:db8:1:2:ffff:ffff:ffff:ffff")).toBe(429);
  expect(await connectAs(relay, "[2001:DB8:1:2::99]:4711")).toBe(429);
  expect(await connectAs(relay, "2001:db8:1:3::1")).toBeInstanceOf(RawClient);
});
