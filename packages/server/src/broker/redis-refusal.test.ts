import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { freePort, startRedis } from "../../../../tests/support/redis-server.ts";
import { BrokerUnavailable } from "./broker.ts";
import { ObservedBroker, rejection } from "./redis-test-support.ts";
import { eventually } from "../../../../tests/support/eventually.ts";

const RECOVERED_MS = 2_000;

describe("RedisBroker before a Redis that refuses it", () => {
  test("a wrong password is named without being repeated, and is tried until it is right", async () => {
    await using redis = await startRedis({ args: ["--requirepass", "right"] });
    await using it = new ObservedBroker(redis.url.replace("//", "//:sesame@"));
    await eventually("the reason is told", () => it.reason.startsWith("authentication failed"));
    await redis.cli("-a", "right", "CONFIG", "SET", "requirepass", "sesame");
    await it.healthy(RECOVERED_MS);
    expect(it.losses.join()).not.toContain("sesame");
  });

  test("a missing password is named", async () => {
    await using redis = await startRedis({ args: ["--requirepass", "sesame"] });
    await using it = new ObservedBroker(redis.url);
    await eventually("the reason is told", () => it.reason.includes("NOAUTH"));
  });

  test("a reason is told once for as long as it stays the same", async () => {
    await using redis = await startRedis({ args: ["--requirepass", "sesame"] });
    const delays: number[] = [];
    const random = (): number => {
      delays.push(0);
      return 0;
    };
    await using it = new ObservedBroker(redis.url, { random });
    await eventually("four attempts failed", () => delays.length >= 4);
    expect(it.losses.length).toBe(1);
  });

  test("a user with no more than the commands and channels it needs is enough", async () => {
    await using redis = await startRedis();
    await redis.cli("ACL", "SETUSER", "relay", ...needed, "&updates", "&tidings:probe:*");
    await using it = new ObservedBroker(redis.url.replace("//", "//relay:p%40ss@"));
    await it.healthy();
    const twice = [
      { channel: "updates", data: "one" },
      { channel: "updates", data: "two" },
    ];
    expect(await it.broker.publish(twice)).toEqual([1, 1]);
    await eventually("both arrive", () => it.messages.length === 2);
  });

  test("a user without a password logs in as itself", async () => {
    await using redis = await startRedis();
    await redis.cli("ACL", "SETUSER", "relay", "on", "nopass", "allchannels", "+@all");
    await using it = new ObservedBroker(redis.url.replace("//", "//relay@"));
    await it.healthy();
    expect(await redis.cli("CLIENT", "LIST", "TYPE", "pubsub")).toContain(" user=relay ");
  });

  test("a channel that the user may not use is named as a missing permission until it is granted", async () => {
    await using redis = await startRedis();
    await redis.cli("ACL", "SETUSER", "relay", ...needed, "&tidings:probe:*");
    await using it = new ObservedBroker(redis.url.replace("//", "//relay:p%40ss@"));
    await eventually("the reason is told", () => it.reason.includes("NOPERM"));
    await redis.cli("ACL", "SETUSER", "relay", "&updates");
    await it.healthy(RECOVERED_MS);
  });

  test("a publish that the user may not make is refused whole, and harms nothing", async () => {
    await using redis = await startRedis();
    await redis.cli("ACL", "SETUSER", "relay", ...needed, "&updates", "&tidings:probe:*");
    await using it = new ObservedBroker(redis.url.replace("//", "//relay:p%40ss@"));
    await it.healthy();
    const mixed = [
      { channel: "updates", data: "allowed" },
      { channel: "inbound", data: "forbidden" },
    ];
    const refusal = await rejection(it.broker.publish(mixed));
    expect(refusal).toBeInstanceOf(BrokerUnavailable);
    expect(String(refusal)).toContain("NOPERM");
    const posts = ["inbound", "updates"].map((channel) => it.broker.post(channel, "posted"));
    expect(String(await rejection(posts[0] as Promise<void>))).toContain("NOPERM");
    await posts[1];
    await it.broker.publish([{ channel: "updates", data: "after" }]);
    await eventually("the next ones arrive", () => it.messages.length > 1);
    expect([it.messages, it.losses]).toEqual([["posted", "after"], []]);
  });

  test("a user that may not publish to the probe's channel is told so", async () => {
    await using redis = await startRedis();
    await redis.cli("ACL", "SETUSER", "relay", "on", ">p@ss", "allchannels", "-@all", "+subscribe");
    await using it = new ObservedBroker(redis.url.replace("//", "//relay:p%40ss@"));
    await eventually("the reason is told", () => it.reason.includes("NOPERM"));
  });

  test("a server that does not speak Redis is named, and Redis in its place is found", async () => {
    const port = await freePort();
    await using it = new ObservedBroker(`redis://127.0.0.1:${port}`);
    for (const greeting of [
      "SSH-2.0-OpenSSH\r\n",
      "+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
      "\0\r\n\xff".repeat(500),
    ]) {
      const server = createServer((socket) => {
        socket.on("error", () => {}).resume();
        socket.write(Buffer.from(greeting, "latin1"));
      });
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
      await eventually("the reason is told", () => it.reason.includes("does not speak its protocol"));
      await new Promise((resolve) => server.close(resolve));
      await eventually("the server is gone", () => it.reason.includes("ECONNREFUSED"));
    }
    await using redis = await startRedis({ port });
    await it.healthy(RECOVERED_MS);
    expect(redis.port).toBe(port);
  });

  test("a server that accepts and says nothing is given up", async () => {
    const server = createServer((socket) => socket.on("error", () => {}).resume());
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    await using it = new ObservedBroker(`redis://127.0.0.1:${port}`, { timeoutMs: 200 });
    await eventually("the reason is told", () => it.losses.includes("Redis did not answer within 200 ms"));
    server.close();
  });

  test("a host name that nobody knows is named", async () => {
    await using it = new ObservedBroker("redis://:sesame@no-such-host.invalid");
    await eventually("the reason is told", () => it.reason.includes("the host name of Redis"));
    expect(it.reason).not.toContain("sesame");
  });

  test("options that contradict the broker are refused at construction", () => {
    const refused = [
      () => new ObservedBroker("http://redis"),
      () => new ObservedBroker("redis://redis", { relayId: "two words" }),
      () =>
        new ObservedBroker("redis://redis", { subscriptions: new Map([["tidings:probe:test", () => {}]]) }),
    ];
    for (const make of refused) expect(make).toThrow(TypeError);
  });
});

/** All that the relay's user needs, but for the channels. */
const needed = ["on", ">p@ss", "resetchannels", "-@all", "+subscribe", "+publish", "+multi", "+exec"];
