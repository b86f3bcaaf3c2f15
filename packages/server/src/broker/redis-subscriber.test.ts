import { describe, expect, test } from "bun:test";
import { eventually } from "../../../../tests/support/eventually.ts";
import { startRedis } from "../../../../tests/support/redis-server.ts";
import { type Clock, systemClock } from "../clock.ts";
import { PostQueue } from "./post-queue.ts";
import { ReadPacer, unpaced } from "./read-pacer.ts";
import { describeFault } from "./redis-fault.ts";
import { RedisSubscriber } from "./redis-subscriber.ts";
import { parseRedisUrl } from "./redis-target.ts";

const HELLO = "%1\r\n$5\r\nproto\r\n:3\r\n";
const SUBSCRIBED = ">3\r\n$9\r\nsubscribe\r\n$7\r\nupdates\r\n:1\r\n";

describe("RedisSubscriber", () => {
  test.each([
    [
      "ends a subscription by itself",
      [HELLO, `${SUBSCRIBED}>3\r\n$11\r\nunsubscribe\r\n$7\r\nupdates\r\n:0\r\n`],
    ],
    ["sends messages of a channel nobody asked for", [HELLO, `${SUBSCRIBED}${messageOn("other")}`]],
    ["answers what nobody asked", [HELLO, `${SUBSCRIBED}+PONG\r\n`]],
    ["greets without saying what it speaks", ["+OK\r\n"]],
    ["answers SUBSCRIBE as another command", [HELLO, "+OK\r\n"]],
  ])("a server that %s is left", async (_, answers) => {
    const faults: unknown[] = [];
    using server = answering(answers);
    const subscriber = subscribing(server.url, (error) => faults.push(error));
    await subscriber
      .open()
      .then(() => subscriber.subscribe())
      .catch((error: unknown) => faults.push(error));
    await eventually("the fault is told", () => faults.length > 0);
    expect(describeFault(faults[0])).toContain("does not speak its protocol");
    subscriber.destroy();
  });

  test("what Redis pushes of other matters is passed over", async () => {
    const messages: string[] = [];
    const other = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
    using server = answering([HELLO, `${SUBSCRIBED}${other}${messageOn("updates")}`]);
    const subscriber = subscribing(server.url, () => {}, messages);
    await subscriber.open();
    await subscriber.subscribe();
    await eventually("the message arrives", () => messages.length > 0);
    expect(messages).toEqual(["hello"]);
    subscriber.destroy();
  });

  test("what comes while the connection is left alone arrives, whole and in order", async () => {
    await using redis = await startRedis();
    let pauses = 0;
    const clock: Clock = {
      ...systemClock,
      after(delay, run) {
        pauses += 1;
        return systemClock.after(delay, run);
      },
    };
    const numbers: number[] = [];
    const subscriber = new RedisSubscriber({
      target: parseRedisUrl(redis.url),
      name: "test",
      subscriptions: new Map([
        ["updates", (bytes) => void numbers.push(Number(new TextDecoder().decode(bytes)))],
      ]),
      pacer: new ReadPacer({ longestMs: 10, isForSomebody: () => false, clock }),
      ...noPosts(),
      onFault() {},
    });
    await subscriber.open();
    await subscriber.subscribe();
    await using publisher = Bun.spawn(["redis-cli", "-p", String(redis.port)], {
      stdin: "pipe",
      stdout: "ignore",
    });
    let sent = 0;
    while (pauses < 20) {
      const lines = Array.from({ length: 50 }, (_, index) => `PUBLISH updates ${sent + index + 1}\n`);
      sent += lines.length;
      await publisher.stdin.write(lines.join(""));
      await publisher.stdin.flush();
      await Bun.sleep(0);
    }
    await eventually("all arrived", () => numbers.length === sent);
    expect(numbers).toEqual(Array.from({ length: sent }, (_, index) => index + 1));
    subscriber.destroy();
  });

  test("a message of many megabytes arrives whole", async () => {
    await using redis = await startRedis();
    const sizes: number[] = [];
    const subscriptions = new Map([["updates", ({ length }: Uint8Array) => void sizes.push(length)]]);
    const options = {
      target: parseRedisUrl(redis.url),
      name: "test",
      pacer: noPauses(),
      ...noPosts(),
      onFault() {},
    };
    const subscriber = new RedisSubscriber({ ...options, subscriptions });
    await subscriber.open();
    await subscriber.subscribe();
    const publisher = Bun.spawn(["redis-cli", "-p", String(redis.port), "-x", "publish", "updates"], {
      stdin: Buffer.alloc(20_000_000, "x"),
      stdout: "ignore",
    });
    await publisher.exited;
    await eventually("the message arrives", () => sizes.length > 0);
    expect(sizes).toEqual([20_000_000]);
    subscriber.destroy();
  });
});

function messageOn(channel: string): string {
  return `>3\r\n$7\r\nmessage\r\n$${channel.length}\r\n${channel}\r\n$5\r\nhello\r\n`;
}

function noPauses(): ReadPacer {
  return new ReadPacer({ ...unpaced, clock: systemClock });
}

function noPosts() {
  const posts = new PostQueue({ timeoutMs: 1_000, maxBytes: 1_000, clock: systemClock });
  return { posts, gatherMs: 0, clock: systemClock };
}

function subscribing(
  url: string,
  onFault: (error: unknown) => void,
  messages: string[] = [],
): RedisSubscriber {
  const handler = (bytes: Uint8Array): void => void messages.push(new TextDecoder().decode(bytes));
  return new RedisSubscriber({
    target: parseRedisUrl(url),
    name: "test",
    subscriptions: new Map([["updates", handler]]),
    pacer: noPauses(),
    ...noPosts(),
    onFault,
  });
}

/** A server that answers each command with the next of some texts. */
function answering(answers: readonly string[]): Disposable & { readonly url: string } {
  const left = [...answers];
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket) => void socket.write(left.shift() ?? ""), error() {} },
  });
  return { url: `redis://127.0.0.1:${server.port}`, [Symbol.dispose]: () => server.stop(true) };
}
