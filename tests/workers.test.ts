import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { eventually } from "./support/eventually.ts";
import { root, startTidings, untilReady } from "./support/process.ts";
import { freePort, startRedis } from "./support/redis-server.ts";
import type { TestClient } from "./support/test-client.ts";
import { isAlive, startWorkers, type WorkersUnderTest } from "./support/workers.ts";

/** Connections of one user; that all of them land on one worker of two has a chance of 1 in 2^39. */
const MANY = 40;

async function connectMany(
  workers: WorkersUnderTest,
  userId: string,
  count = MANY,
): Promise<readonly TestClient[]> {
  const clients: TestClient[] = [];
  for (let index = 0; index < count; index += 1) clients.push(await workers.connect(userId));
  return clients;
}

async function connectionsOfEach(workers: WorkersUnderTest): Promise<readonly number[]> {
  const metrics = await workers.metrics();
  return [...metrics].flatMap(([name, value]) =>
    name.startsWith("tidings_worker_connections{") ? [value] : [],
  );
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe("several workers", () => {
  test("share connections evenly, and each of a user's gets each update once, on whichever worker it is", async () => {
    await using workers = await startWorkers(2, { TIDINGS_API_KEY: "a-key-for-the-http-api" });
    const clients = await connectMany(workers, "alice", 200);
    await eventually("all are counted", async () => sum(await connectionsOfEach(workers)) === 200);
    // Each falls on a worker by chance: the spread of 200 is 7, and seven times that has a chance of 1 in 10^12.
    for (const connections of await connectionsOfEach(workers)) {
      expect(connections).toBeGreaterThan(50);
      expect(connections).toBeLessThan(150);
    }
    for (let n = 0; n < 5; n += 1) await workers.publish("alice", n);
    const frames = [0, 1, 2, 3, 4].map((payload) => ({ type: "t", payload }));
    for (const client of clients) expect(await client.received(5)).toEqual(frames);

    const headers = { authorization: "Bearer a-key-for-the-http-api" };
    const count = await workers.http("/v1/users/alice", { headers });
    expect(await count.json()).toEqual({ user_id: "alice", connections: 200, relays: 2 });
  });

  test("answer /metrics with the sum of all, whichever of them is asked", async () => {
    await using workers = await startWorkers(2);
    const clients = await connectMany(workers, "alice");
    await workers.publish("alice", 1);
    await workers.publish("nobody", 1);
    for (const client of clients) await client.received(1);
    for (let ask = 0; ask < 8; ask += 1) {
      await eventually("every answer has every connection", async () => {
        const metrics = await workers.metrics();
        return (
          metrics.get("tidings_connections") === MANY &&
          metrics.get('tidings_handshakes_total{result="accepted"}') === MANY &&
          metrics.get("tidings_deliveries_total") === MANY &&
          // Every worker gets every update.
          metrics.get('tidings_updates_total{result="delivered"}') === 2 &&
          metrics.get('tidings_updates_total{result="no_connection"}') === 2 &&
          metrics.get("tidings_broker_up") === 1 &&
          metrics.get('tidings_workers{state="ready"}') === 2
        );
      });
    }
    for (const client of clients) client.close();
    await eventually("the lifetimes of all are added up", async () => {
      const metrics = await workers.metrics();
      return metrics.get('tidings_connection_lifetime_seconds_bucket{le="+Inf"}') === MANY;
    });
  });

  test("outlive one that is killed: the others' clients notice nothing, its own resume, no counter falls", async () => {
    await using workers = await startWorkers(2, { TIDINGS_HISTORY: "true" });
    const clients = await connectMany(workers, "alice");
    await workers.store("alice", 0);
    for (const client of clients) await client.received(1);
    await eventually("what was delivered is counted", async () => {
      return (await workers.metrics()).get("tidings_deliveries_total") === MANY;
    });
    const [ofFirst = 0] = await connectionsOfEach(workers);

    const killed = workers.pid(1);
    process.kill(killed, "SIGKILL");
    await eventually("its clients are cut off", () => {
      return clients.filter(({ closeEvent }) => closeEvent !== null).length === ofFirst;
    });
    await workers.store("alice", 1);
    const stayed = clients.filter(({ closeEvent }) => closeEvent === null);
    for (const client of stayed) expect(client.frames.length).toBeLessThanOrEqual(2);
    for (const client of stayed) await client.received(2);
    for (const client of clients) {
      if (client.closeEvent === null) continue;
      const offset = (JSON.parse(client.texts[0] ?? "{}") as { offset: string }).offset;
      const back = await workers.connect("alice", `&since=${offset}`);
      const [first] = await back.received(1);
      expect(first).toMatchObject({ type: "t", payload: 1 });
    }
    await workers.ready();
    expect(workers.pid(1)).not.toBe(killed);
    expect(await isAlive(workers.pid(1))).toBe(true);
    expect(stayed.every(({ closeEvent }) => closeEvent === null)).toBe(true);
    const metrics = await workers.metrics();
    expect(metrics.get("tidings_deliveries_total")).toBeGreaterThanOrEqual(MANY + stayed.length);
    expect(metrics.get('tidings_handshakes_total{result="accepted"}')).toBe(MANY + ofFirst);
    expect(metrics.get("tidings_workers_ended_total")).toBe(1);
    await eventually("the new one takes its part of connections", async () => {
      await workers.connect("alice");
      const [first = 0] = await connectionsOfEach(workers);
      return first > 0;
    });
  });

  test("are ready only together: /readyz names the one that does not answer", async () => {
    await using workers = await startWorkers(3);
    process.kill(workers.pid(2), "SIGSTOP");
    await eventually("an answer names it", async () => {
      // The kernel gives some connections to the one that is stopped; those wait.
      const signal = AbortSignal.timeout(2_000);
      const response = await workers.http("/readyz", { signal }).catch(() => null);
      if (response?.status !== 503) return false;
      expect(await response.json()).toMatchObject({ detail: "Worker process 2 of 3: It does not answer." });
      return true;
    });
    process.kill(workers.pid(2), "SIGCONT");
    await workers.ready();
    await workers.redis.stop();
    await eventually("all say that Redis is gone", async () => {
      const response = await workers.http("/readyz");
      const { detail } = (await response.json()) as { detail: string };
      return response.status === 503 && detail.startsWith("Worker processes 1, 2, 3 of 3: ");
    });
  });

  test("drain together on SIGTERM, and the relay exits with 0", async () => {
    await using workers = await startWorkers(2);
    const clients = await connectMany(workers, "alice");
    workers.supervisor.kill("SIGTERM");
    for (const client of clients) expect((await client.closed()).code).toBe(1001);
    expect(await workers.supervisor.exited).toBe(0);
    for (const worker of [1, 2]) expect(await isAlive(workers.pid(worker))).toBe(false);
    expect(workers.log.map(({ msg }) => msg)).not.toContain("a worker process ended; starting it again");
  });

  test("are drained one by one by hand, and the one that left is replaced", async () => {
    await using workers = await startWorkers(2);
    const clients = await connectMany(workers, "alice");
    const asked = workers.pid(2);
    process.kill(asked, "SIGTERM");
    await eventually("another one has its place", () => workers.pid(2) !== asked);
    await workers.ready();
    const [closed, open] = [true, false].map((isClosed) =>
      clients.filter(({ closeEvent }) => (closeEvent !== null) === isClosed),
    );
    expect(closed?.map(({ closeEvent }) => closeEvent?.code)).toEqual(closed?.map(() => 1001));
    expect(closed?.length).toBeGreaterThan(0);
    expect(open?.length).toBeGreaterThan(0);
  });

  test("leave no orphans: when the supervisor is killed, they drain and end", async () => {
    await using workers = await startWorkers(2);
    const clients = await connectMany(workers, "alice");
    workers.supervisor.kill("SIGKILL");
    for (const client of clients) expect((await client.closed()).code).toBe(1001);
    for (const worker of [1, 2]) {
      await eventually(`worker ${worker} ended`, async () => !(await isAlive(workers.pid(worker))));
    }
    await using next = startTidings(["serve"], {
      TIDINGS_HOST: "127.0.0.1",
      TIDINGS_PORT: String(workers.port),
      TIDINGS_REDIS_URL: workers.redis.url,
      TIDINGS_INSECURE_USER_ID: "true",
      TIDINGS_WORKERS: "2",
    });
    await untilReady(workers.port);
    next.kill("SIGINT");
    expect(await next.exited).toBe(0);
  });

  test("end with 1 when one of them dies each time soon after its start; the rest drain", async () => {
    await using workers = await startWorkers(2);
    const clients = await connectMany(workers, "alice");
    let killed = 0;
    await eventually("the relay gives up", async () => {
      const pid = workers.pid(1);
      if (pid !== killed) process.kill(pid, "SIGKILL");
      killed = pid;
      return workers.log.some(({ msg }) => msg === "a worker process died each time soon after its start");
    });
    expect(await workers.supervisor.exited).toBe(1);
    const ended = workers.log.filter(({ worker, msg }) => worker === 1 && msg === "a worker process started");
    expect(ended).toHaveLength(5);
    for (const client of clients) await client.closed();
    expect(clients.some(({ closeEvent }) => closeEvent?.code === 1001)).toBe(true);
  });
});

describe("a port", () => {
  test.each(["1", "2"])("of several workers is refused to a relay of %s", async (count) => {
    await using workers = await startWorkers(2);
    await using second = startTidings(["serve"], {
      TIDINGS_HOST: "127.0.0.1",
      TIDINGS_PORT: String(workers.port),
      TIDINGS_REDIS_URL: workers.redis.url,
      TIDINGS_INSECURE_USER_ID: "true",
      TIDINGS_WORKERS: count,
    });
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain(`cannot listen on 127.0.0.1:${workers.port}: the port is in use`);
  });

  test("of a relay of one process is refused to several workers, which is told once", async () => {
    await using redis = await startRedis();
    const port = await freePort();
    const settings = {
      TIDINGS_HOST: "127.0.0.1",
      TIDINGS_PORT: String(port),
      TIDINGS_REDIS_URL: redis.url,
      TIDINGS_INSECURE_USER_ID: "true",
    };
    await using _one = startTidings(["serve"], settings);
    await untilReady(port);
    await using several = startTidings(["serve", "--workers", "3"], settings);
    expect(await several.exited).toBe(1);
    expect(several.output().match(/cannot listen/g)).toHaveLength(1);
  });
});

test("a worker that cannot start ends the relay with its own status, and says why once", async () => {
  const settings = { TIDINGS_WORKERS: "3", TIDINGS_PORT: "0", TIDINGS_JWT_PUBLIC_KEY: "/no/such/key.pem" };
  await using relay = startTidings(["serve"], { ...settings, TIDINGS_HOST: "127.0.0.1" });
  expect(await relay.exited).toBe(2);
  expect(relay.output().match(/^tidings: /gm)).toHaveLength(1);
  expect(relay.output()).toContain("jwt_public_key");
});

test("one worker is one process, with none beside it", async () => {
  await using workers = await startWorkers(1);
  const { pid } = workers.supervisor;
  expect(await Bun.file(`/proc/${pid}/task/${pid}/children`).text()).toBe("");
  expect([...(await workers.metrics()).keys()].some((name) => name.includes("worker"))).toBe(false);
});

test("a worker without a supervisor says what to do instead", async () => {
  await using worker = startTidings(["worker"]);
  expect(await worker.exited).toBe(2);
  expect(worker.output()).toContain("TIDINGS_WORKERS");
});

test("a worker whose supervisor dies before it told it anything ends too", async () => {
  const hello = Promise.withResolvers<void>();
  const worker = Bun.spawn([process.execPath, join(root, "packages/server/src/cli/main.ts"), "worker"], {
    stdio: ["ignore", "ignore", "ignore"],
    ipc: () => hello.resolve(),
  });
  await hello.promise;
  worker.disconnect();
  expect(await worker.exited).toBe(1);
});

test("several processes are nothing for development, where the broker lives in one", async () => {
  await using dev = startTidings(["dev", "--workers", "2", "--port", "0", "--embedded-port", "0"]);
  expect(await dev.exited).toBe(2);
  expect(dev.output()).toContain("workers (2): tidings dev is one process");
});
