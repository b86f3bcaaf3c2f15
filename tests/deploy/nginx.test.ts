import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { available, type Tool } from "../clients/tools.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";
import { TestClient } from "../support/test-client.ts";
import { startTestRelay } from "../support/test-relay.ts";
import { startNginx } from "./nginx-server.ts";

const NGINX: Tool = { command: "nginx", install: "`apt-get install nginx-light`" };

const handshake = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "MDEyMzQ1Njc4OWFiY2RlZg==",
};

describe.skipIf(!available(NGINX))("behind nginx with the site of deploy/nginx.conf", () => {
  test("a page of the site connects over TLS and gets its updates; a page of another site gets 403", async () => {
    await using relay = await startTestRelay();
    await using nginx = await startNginx({ relays: [relay.relay.port] });
    const own = `https://127.0.0.1:${nginx.tlsPort}`;
    const socket = new WebSocket(`wss://127.0.0.1:${nginx.tlsPort}/ws?user_id=alice`, {
      headers: { origin: own },
      tls: { rejectUnauthorized: false },
    });
    const client = new TestClient(socket);
    await eventually("alice is connected", () => relay.relay.hub.clientsOf("alice").length === 1);
    const payload = { text: "Searching…" };
    await relay.publish({ target_user_id: "alice", type: "agent_update", payload });
    expect(await client.received(1)).toEqual([{ type: "agent_update", payload }]);
    client.close();
    const foreign = await fetch(`http://127.0.0.1:${nginx.port}/ws?user_id=alice`, {
      headers: { ...handshake, origin: "https://evil.test" },
    });
    expect(foreign.status).toBe(403);
  });

  test("the relay knows the client's own address, whatever the client claims", async () => {
    await using relay = await startTestRelay({ settings: { trusted_proxies: ["127.0.0.1"] } });
    await using nginx = await startNginx({ relays: [relay.relay.port] });
    const headers = Object.entries({ ...handshake, host: "x", "x-forwarded-for": "198.51.100.7" });
    const lines = headers.map(([name, value]) => `${name}: ${value}`);
    const socket = connect({ host: "127.0.0.1", port: nginx.port, localAddress: "127.0.0.2" });
    socket.write(["GET /ws?user_id=alice HTTP/1.1", ...lines, "", ""].join("\r\n"));
    await eventually("alice is connected", () => relay.relay.hub.clientsOf("alice").length === 1);
    socket.destroy();
    const line = relay.log.find((entry) => entry.includes("connection opened")) ?? "{}";
    expect(JSON.parse(line)).toMatchObject({ user: "alice", address: "127.0.0.2" });
  });

  test("a refused token reaches the client as 401 with its reason", async () => {
    await using relay = await startTestRelay({
      settings: { jwt_secret: "0123456789abcdef0123456789abcdef", insecure_user_id: false },
    });
    await using nginx = await startNginx({ relays: [relay.relay.port] });
    const response = await fetch(`http://127.0.0.1:${nginx.port}/ws`, { headers: handshake });
    expect(response.status).toBe(401);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ type: "urn:tidings:problem:token_refused" });
  });

  test("the heartbeat keeps an idle connection that nginx would cut without it", async () => {
    await using redis = await startRedis();
    await using beating = await startTestRelay({
      redis,
      settings: { heartbeat_interval: 1_000, heartbeat_timeout: 1_000 },
    });
    // Its first ping falls in the middle of the interval, far behind what nginx waits for.
    const rare = { settings: { heartbeat_interval: 600_000 }, random: () => 0.5 };
    await using silent = await startTestRelay({ redis, ...rare });
    await using nginx = await startNginx({ relays: [beating.relay.port], readTimeout: "3s" });
    await using other = await startNginx({ relays: [silent.relay.port], readTimeout: "3s" });
    const kept = await TestClient.open({ url: `http://127.0.0.1:${nginx.port}/ws?user_id=kept` });
    const cut = await TestClient.open({ url: `http://127.0.0.1:${other.port}/ws?user_id=cut` });
    await cut.closed();
    await beating.publish({ target_user_id: "kept", type: "t", payload: 1 });
    expect(await kept.received(1)).toEqual([{ type: "t", payload: 1 }]);
    kept.close();
  });

  test("who connects while one relay drains reaches the other", async () => {
    await using redis = await startRedis();
    await using leaving = await startTestRelay({
      redis,
      settings: { drain_window: 60_000, drain_deadline: 60_000 },
    });
    await using staying = await startTestRelay({ redis });
    for (let n = 0; n < 100; n += 1) await leaving.connect(`user-${n}`);
    await using nginx = await startNginx({ relays: [leaving.relay.port, staying.relay.port] });
    void leaving.relay.drain();
    for (let n = 1; n <= 4; n += 1) {
      const client = await TestClient.open({ url: `http://127.0.0.1:${nginx.port}/ws?user_id=late` });
      await eventually("it is with the relay that stays", () => staying.relay.hub.connections === n);
      expect(client.closeEvent).toBeNull();
    }
    expect(leaving.relay.hub.clientsOf("late").length).toBe(0);
    await leaving.relay.stop();
  });
});
