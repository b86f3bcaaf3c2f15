import { expect, test } from "bun:test";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { settingList } from "../../packages/server/src/config/catalog.ts";
import { defaultSettings } from "../../packages/server/src/config/load.ts";
import { available, REDIS_SERVER } from "../clients/tools.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";
import { startTestRelay } from "../support/test-relay.ts";

const deploy = join(import.meta.dirname, "../../deploy");
const passwords = { RELAY_REDIS_PASSWORD: "relay-password", WORKER_REDIS_PASSWORD: "worker-password" };

interface Service {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly networks: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
}

interface Compose {
  readonly services: { readonly redis: Service; readonly relay: Service };
  readonly networks: { readonly backplane: { readonly internal: boolean } };
}

/** The file with the variables filled in, as `docker compose` does it. */
async function readCompose(): Promise<Compose> {
  const text = await Bun.file(join(deploy, "compose.yaml")).text();
  const filled = text.replace(/\$\{(\w+)(?::\?[^}]*)?\}/g, (whole, name: string) => {
    return Object.entries(passwords).find(([known]) => known === name)?.[1] ?? whole;
  });
  expect(filled).not.toContain("${");
  return Bun.YAML.parse(filled) as Compose;
}

test("Redis is reached from the backplane alone, which has no way out", async () => {
  const { services, networks } = await readCompose();
  expect(services.redis.ports).toBeUndefined();
  expect(services.redis.networks).toEqual(["backplane"]);
  expect(networks.backplane.internal).toBe(true);
  expect(services.relay.ports).toEqual(["8080:8080"]);
});

test("the relay has more time to stop than it takes to drain", async () => {
  const { services } = await readCompose();
  const seconds = Number(/^(\d+)s$/.exec(services.relay.stop_grace_period ?? "")?.[1]);
  expect(seconds * 1_000).toBeGreaterThan(defaultSettings().drain_deadline + 1_000);
});

test("every variable that the example file names is one that the relay or compose.yaml knows", async () => {
  const text = await Bun.file(join(deploy, "tidings.env.example")).text();
  const names = [...text.matchAll(/^([A-Z_]+)=/gm)].map(([, name = ""]) => name);
  const known = new Set([...Object.keys(passwords), ...settingList.map(({ variable }) => variable)]);
  for (const name of names) expect(known).toContain(name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(passwords)));
});

test.skipIf(!available(REDIS_SERVER))(
  "its Redis users are enough for relay and worker, and for nothing else",
  async () => {
    const { services } = await readCompose();
    const [program, ...args] = services.redis.command;
    expect(program).toBe("redis-server");
    await using redis = await startRedis({ args });
    const { host, ...address } = { host: `127.0.0.1:${redis.port}`, relay: "relay", worker: "worker" };
    const urlOf = (user: "relay" | "worker"): string => {
      const password = passwords[user === "relay" ? "RELAY_REDIS_PASSWORD" : "WORKER_REDIS_PASSWORD"];
      return `redis://${address[user]}:${password}@${host}`;
    };
    expect(services.relay.environment["TIDINGS_REDIS_URL"]).toBe(urlOf("relay").replace(host, "redis:6379"));
    expect(await redis.cli("ping")).toBe("PONG");
    expect(redis.cli("publish", "updates", "{}")).rejects.toThrow("NOPERM");

    const worker = createClient({ url: urlOf("worker") });
    worker.on("error", () => {});
    await worker.connect();
    const listener = worker.duplicate();
    listener.on("error", () => {});
    await listener.connect();
    const inbound: string[] = [];
    await listener.subscribe("inbound", (message) => void inbound.push(message));

    const settings = { redis_url: urlOf("relay"), api_key: "an-api-key" };
    await using relay = await startTestRelay({ redis, settings });
    const client = await relay.connect("alice", { protocols: ["tidings.v1"] });
    const update = { target_user_id: "alice", type: "t", payload: 1 };
    await worker.publish("updates", JSON.stringify(update));
    const headers = { authorization: "Bearer an-api-key" };
    const both = { method: "POST", headers, body: JSON.stringify([update, update]) };
    expect((await relay.http("/v1/publish", both)).status).toBe(202);
    await client.received(4);
    expect((await relay.http("/v1/users/alice", { headers })).status).toBe(200);
    client.send({ type: "ask", id: "1" });
    await client.frame("tidings.ack");
    await eventually("the worker hears it", () => inbound.length === 1);

    expect(worker.publish("inbound", "{}")).rejects.toThrow("NOPERM");
    expect(worker.publish("tidings:control", "{}")).rejects.toThrow("NOPERM");
    expect(listener.subscribe("updates", () => {})).rejects.toThrow("NOPERM");
    worker.destroy();
    listener.destroy();
  },
);
