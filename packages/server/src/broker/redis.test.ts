import { describe, expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { freePort, startRedis } from "../../../../tests/support/redis-server.ts";
import { BrokerUnavailable } from "./broker.ts";
import { ObservedBroker, rejection } from "./redis-test-support.ts";
import { eventually } from "../../../../tests/support/eventually.ts";

/** What issue 2 promises: a lost Redis is noticed within this time, in milliseconds. */
const NOTICED_MS = 5_000;

/** And updates flow within this time of its return. */
const RECOVERED_MS = 2_000;

const update = { channel: "updates", data: "x" };

describe("RedisBroker", () => {
  test("all channels and the probe's stand in one SUBSCRIBE, on connections named after the relay", async () => {
    await using redis = await startRedis();
    const handlers = new Map([
      ["updates", () => {}],
      ["control", () => {}],
    ]);
    await using it = new ObservedBroker(redis.url, { subscriptions: handlers, relayId: "r1" });
    await it.healthy();
    expect(await redis.cli("INFO", "commandstats")).toContain("cmdstat_subscribe:calls=1,");
    expect((await redis.cli("PUBSUB", "CHANNELS")).split("\n").toSorted()).toEqual([
      "control",
      "tidings:probe:r1",
      "updates",
    ]);
    const clients = await redis.cli("CLIENT", "LIST");
    expect(clients.match(/ name=tidings:r1 /g)?.length).toBe(2);
  });

  test("a Redis killed and restarted ten times under load is found again each time", async () => {
    await using redis = await startRedis();
    await using it = new ObservedBroker(redis.url);
    await it.healthy();
    await using load = new Load(it);
    for (let round = 1; round <= 10; round++) {
      await redis.kill("SIGKILL");
      await it.unhealthy(NOTICED_MS);
      expect(await rejection(it.broker.publish([update]))).toBeInstanceOf(BrokerUnavailable);
      await redis.restart();
      const seen = it.messages.length;
      await eventually("updates flow", () => it.messages.length > seen && it.broker.health.ok, RECOVERED_MS);
    }
    expect(it.changes.map(({ ok }) => ok)).toEqual([
      true,
      ...Array.from({ length: 10 }, () => [false, true]).flat(),
    ]);
    expect(it.gaps).toBe(10);
    expect(load.unexpected).toEqual([]);
  }, 60_000);

  test("a Redis that hangs without closing is noticed, left, and found again when it goes on", async () => {
    await using redis = await startRedis();
    await using it = new ObservedBroker(redis.url);
    await it.healthy();
    await redis.kill("SIGSTOP");
    const pending = rejection(it.broker.publish([update]));
    await it.unhealthy(NOTICED_MS);
    expect(await pending).toBeInstanceOf(BrokerUnavailable);
    expect(await rejection(it.broker.publish([update]))).toBeInstanceOf(BrokerUnavailable);
    await redis.kill("SIGCONT");
    await it.healthy(RECOVERED_MS);
    await it.broker.publish([update]);
    await eventually("an update arrives", () => it.messages.includes("x"));
  }, 30_000);

  test("a Redis that hangs and is then restarted is found again", async () => {
    await using redis = await startRedis();
    await using it = new ObservedBroker(redis.url, { probeIntervalMs: 100, timeoutMs: 500 });
    await it.healthy();
    await redis.kill("SIGSTOP");
    await it.unhealthy(NOTICED_MS);
    await redis.restart();
    await it.healthy(RECOVERED_MS);
  }, 30_000);

  test("a Redis that hangs does not hold up close", async () => {
    await using redis = await startRedis();
    await using it = new ObservedBroker(redis.url);
    await it.healthy();
    await redis.kill("SIGSTOP");
    const pending = rejection(it.broker.publish([update, update]));
    await it.broker.close();
    expect(await pending).toBeInstanceOf(BrokerUnavailable);
  });

  test("a broker that is closed while it connects leaves no connection behind", async () => {
    let opened = 0;
    let closed = 0;
    const server = createServer((socket) => {
      opened++;
      socket.on("error", () => {}).on("close", () => closed++);
      socket.resume();
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const it = new ObservedBroker(`redis://127.0.0.1:${port}`);
    await it.broker.close();
    await eventually("both connections came and went", () => opened === 2 && closed === 2);
    server.close();
  });

  test("a publish that Redis does not answer is refused after the timeout", async () => {
    await using redis = await startRedis();
    await using it = new ObservedBroker(redis.url, { probeIntervalMs: 60_000, timeoutMs: 200 });
    await it.healthy();
    await redis.kill("SIGSTOP");
    const refusal = await rejection(it.broker.publish([update]));
    expect(refusal).toBeInstanceOf(BrokerUnavailable);
    expect(String(refusal)).toContain("did not answer a publish within 200 ms");
    expect(it.broker.health.ok).toBe(true);
  });

  test("a post that Redis does not answer is refused after the timeout, and those after it find their answers", async () => {
    await using redis = await startRedis();
    await using it = new ObservedBroker(redis.url, { probeIntervalMs: 60_000, timeoutMs: 200 });
    await it.healthy();
    await redis.kill("SIGSTOP");
    const refusal = await rejection(it.broker.post("updates", "x"));
    expect(refusal).toBeInstanceOf(BrokerUnavailable);
    expect(String(refusal)).toContain("did not answer a publish within 200 ms");
    const next = it.broker.post("updates", "y");
    await redis.kill("SIGCONT");
    await next;
    await eventually("both arrive", () => it.messages.length === 2);
    expect([it.messages, it.losses]).toEqual([["x", "y"], []]);
  });

  test("what was posted when the connection is lost is refused, and not sent again", async () => {
    await using redis = await startRedis();
    await using it = new ObservedBroker(redis.url, { pacing: { longestMs: 8, isForSomebody: () => true } });
    await it.healthy();
    await it.broker.post("updates", "before");
    await redis.kill("SIGSTOP");
    const waiting = ["a", "b"].map((message) => rejection(it.broker.post("updates", message)));
    await redis.kill("SIGKILL");
    for (const refusal of await Promise.all(waiting)) expect(refusal).toBeInstanceOf(BrokerUnavailable);
    expect(it.messages).toEqual(["before"]);
  });

  test("posts larger than a socket takes at once arrive whole, in order", async () => {
    await using redis = await startRedis();
    await using it = new ObservedBroker(redis.url);
    await it.healthy();
    const sent = Array.from({ length: 12 }, (_, index) => String.fromCharCode(97 + index).repeat(1_048_576));
    await redis.kill("SIGSTOP");
    const posted = sent.map((message) => it.broker.post("updates", message));
    await Bun.sleep(20);
    await redis.kill("SIGCONT");
    await Promise.all(posted);
    await eventually("all arrive", () => it.messages.length === sent.length);
    expect(it.messages.map((message) => [message[0], message.length])).toEqual(
      sent.map((message) => [message[0], message.length]),
    );
  });

  test("a Redis that hangs is not sent more than a bounded number of bytes", async () => {
    await using redis = await startRedis();
    await using it = new ObservedBroker(redis.url);
    await it.healthy();
    await redis.kill("SIGSTOP");
    const large = [{ channel: "inbound", data: new Uint8Array(10 * 1_048_576) }];
    const first = rejection(it.broker.publish(large));
    expect(String(await rejection(it.broker.publish(large)))).toContain("too many messages wait");
    const post = (): Promise<unknown> => rejection(it.broker.post("inbound", "x".repeat(10 * 1_048_576)));
    const posted = post();
    expect(String(await post())).toContain("too many messages wait");
    await it.broker.close();
    await Promise.all([first, posted]);
  });

  test.each(["pubsub", "normal"])("a connection cut by CLIENT KILL TYPE %s is replaced", async (type) => {
    await using redis = await startRedis();
    await using it = new ObservedBroker(redis.url);
    await it.healthy();
    await redis.cli("CLIENT", "KILL", "TYPE", type);
    await eventually("the subscription stands again", () => it.gaps === 1, RECOVERED_MS);
    expect(it.losses).toEqual(["Redis closed the connection"]);
    await it.broker.publish([update]);
    await eventually("an update arrives", () => it.messages.length === 1);
  });

  test("two CLIENT KILLs in a row, the second while the first is being mended, leave one subscription", async () => {
    await using redis = await startRedis();
    await using it = new ObservedBroker(redis.url);
    await it.healthy();
    for (let round = 0; round < 5; round++) {
      const gaps = it.gaps;
      await redis.cli("CLIENT", "KILL", "TYPE", "pubsub");
      await redis.cli("CLIENT", "KILL", "TYPE", "pubsub");
      await eventually(
        "the subscription stands again",
        () => it.gaps > gaps && it.broker.health.ok,
        RECOVERED_MS,
      );
    }
    // The broker may hear of the last kill only when it publishes.
    let reached: readonly number[] = [];
    await eventually("a publish is taken", async () => {
      reached = await it.broker.publish([update]).catch(() => []);
      return reached.length > 0;
    });
    expect(reached).toEqual([1]);
    await eventually("an update arrives", () => it.messages.length > 0);
    expect(new Set(it.messages)).toEqual(new Set(["x"]));
  });

  test("a subscription that is deaf although its connection lives is noticed and replaced", async () => {
    await using redis = await startRedis();
    await using proxy = await DeafeningProxy.start(redis.port);
    await using it = new ObservedBroker(proxy.url, { probeIntervalMs: 100, timeoutMs: 500 });
    await it.healthy();
    proxy.deafen();
    await it.unhealthy(NOTICED_MS);
    expect(it.losses).toEqual(["a message of the relay's own did not come back within 500 ms"]);
    await it.healthy(RECOVERED_MS);
  });

  test("a Redis that is not there yet is found when it comes", async () => {
    const port = await freePort();
    await using it = new ObservedBroker(`redis://127.0.0.1:${port}`);
    await eventually("an attempt failed", () => it.losses.length > 0);
    await using redis = await startRedis({ port });
    await it.healthy(RECOVERED_MS);
    expect([it.gaps, redis.port]).toEqual([0, port]);
  });
});

/** Publishes without pause until its block ends, and keeps each refusal that is not BrokerUnavailable. */
class Load implements AsyncDisposable {
  readonly unexpected: unknown[] = [];
  readonly #done: Promise<void>;
  #stopped = false;

  constructor({ broker }: ObservedBroker) {
    const publish = async (): Promise<void> => {
      while (!this.#stopped) {
        const several = [update, update];
        await Promise.all([broker.publish([update]), broker.publish(several)]).catch((error: unknown) => {
          if (!(error instanceof BrokerUnavailable)) this.unexpected.push(error);
        });
        await Bun.sleep(1);
      }
    };
    this.#done = publish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }
}

/**
 * A TCP proxy before Redis that can withhold all that Redis sends on the connections that have subscribed.
 */
class DeafeningProxy implements AsyncDisposable {
  readonly #subscribed = new Set<Socket>();
  readonly #sockets = new Set<Socket>();
  readonly #server;
  #port = 0;

  private constructor(redisPort: number) {
    this.#server = createServer((near) => {
      const far = connect({ host: "127.0.0.1", port: redisPort });
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
      }
      near.on("data", (chunk) => {
        if (/subscribe/i.test(chunk.toString("latin1"))) this.#subscribed.add(far);
        far.write(chunk);
      });
      far.on("data", (chunk) => near.write(chunk));
      near.on("close", () => far.destroy());
      far.on("close", () => near.destroy());
    });
  }

  static start(redisPort: number): Promise<DeafeningProxy> {
    const proxy = new DeafeningProxy(redisPort);
    return new Promise((resolve) => {
      proxy.#server.listen(0, "127.0.0.1", () => {
        const address = proxy.#server.address();
        proxy.#port = typeof address === "object" && address !== null ? address.port : 0;
        resolve(proxy);
      });
    });
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  deafen(): void {
    for (const far of this.#subscribed) far.removeAllListeners("data").resume();
    this.#subscribed.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
