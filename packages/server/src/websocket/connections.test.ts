import { expect, test } from "bun:test";
import { pino } from "pino";
import { eventually } from "../../../../tests/support/eventually.ts";
import { TestClient } from "../../../../tests/support/test-client.ts";
import { TestStream } from "../../../../tests/support/test-stream.ts";
import { systemClock } from "../clock.ts";
import { defaultSettings } from "../config/load.ts";
import { LogSampler } from "../log-sampler.ts";
import { Metrics, newCounters } from "../metrics.ts";
import type { RelayClient } from "../relay-client.ts";
import { Connections } from "./connections.ts";
import { Hub } from "./hub.ts";
import type { Session } from "./session.ts";

test("a connection whose token is revoked between its judgement and its opening is closed with 4403 and told nothing else", async () => {
  const hub = new Hub<RelayClient>();
  const counters = newCounters();
  const connections = new Connections({
    settings: defaultSettings(),
    hub,
    counters,
    metrics: new Metrics({
      counters,
      connections: () => hub.connections,
      users: () => hub.users,
      isBrokerUp: () => true,
      revocations: () => 1,
      droppedLogLines: () => 0,
      version: "0.0.0-test",
      history: null,
    }),
    logger: pino({ level: "silent" }),
    sampler: new LogSampler(systemClock),
    clock: systemClock,
    random: Math.random,
    authenticator: {
      authenticate: async () => ({ ok: true, identity: { userId: "ann", expiresAt: null, tokenId: "t1" } }),
      verify: () => Promise.reject(new Error("no token is sent on the socket")),
    },
    isRevoked: ({ tokenId }) => tokenId === "t1",
    history: null,
    publish: () => Promise.reject(new Error("nothing is published")),
    isDraining: () => false,
  });
  const server = Bun.serve<Session>({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, self) =>
      request.url.endsWith("/ws")
        ? connections.upgrade.handle(request, self)
        : connections.stream.handle(request, self),
    websocket: {
      open: (socket) => socket.data.opened(socket),
      message: () => {},
      close: (socket, code, reason) => socket.data.closed({ code, reason }),
    },
  });
  try {
    const client = await TestClient.open({
      url: `${server.url.href}ws`,
      protocols: ["tidings.v1"],
    });
    expect(await client.closed()).toEqual({ code: 4403, reason: "the token was revoked" });
    using stream = await TestStream.open(`${server.url.href}v1/stream`);
    await stream.ended();
    for (const { frames } of [client, stream]) {
      expect(frames).toMatchObject([{ type: "tidings.closing", payload: { code: 4403 } }]);
    }
    await eventually("nothing is left behind", () => hub.connections === 0);
  } finally {
    connections.stop();
    await server.stop(true);
  }
});
