import { expect, test } from "bun:test";
import fc from "fast-check";
import { ownBytes, textOf } from "../../packages/server/src/broker/embedded/channel-name.ts";
import { ChannelRegistry } from "../../packages/server/src/broker/embedded/channels.ts";
import { RawConnection } from "../../packages/server/src/broker/embedded/resp-test-client.ts";
import { startRedis } from "../support/redis-server.ts";
import { available, REDIS_SERVER } from "./tools.ts";
import { startBrokerPort } from "./trial.ts";

const missing = !available(REDIS_SERVER);

type Step = readonly string[] | string;

/** What one connection says until it is closed. Text is sent as it is, a list as a command. */
const scenes: Readonly<Record<string, readonly Step[]>> = {
  "pings and echoes": [
    ["PING"],
    ["ping", "x"],
    ["PING", "a", "b"],
    ["ECHO", "a\r\nb"],
    ["ECHO"],
    ["SELECT", "1"],
    ["QUIT"],
  ],
  "wrong words": [
    ["SELECT", "99"],
    ["SELECT", "x"],
    ["HELLO", "4"],
    ["HELLO", "x"],
    ["HELLO", "3", "FOO"],
    ["QUIT"],
  ],
  "wrong names": [
    ["CLIENT", "SETNAME", "a b"],
    ["CLIENT", "GETNAME"],
    ["CLIENT"],
    ["CLIENT", "SETNAME"],
    ["QUIT", "now"],
  ],
  "subscriptions of protocol 2": [
    ["SUBSCRIBE", "a", "b"],
    ["SUBSCRIBE", "a"],
    ["PSUBSCRIBE", "a*"],
    ["PING"],
    ["PING", "x"],
    ["PUBLISH", "a", "b"],
    ["MULTI"],
    ["HELLO", "3"],
    ["UNSUBSCRIBE", "a"],
    ["UNSUBSCRIBE", "never"],
    ["UNSUBSCRIBE"],
    ["UNSUBSCRIBE"],
    ["PUNSUBSCRIBE", "never"],
    ["PUNSUBSCRIBE"],
    ["PUBLISH", "a", "b"],
    ["SUBSCRIBE"],
    ["QUIT"],
  ],
  "subscriptions of protocol 3": [
    ["SUBSCRIBE", "a"],
    ["PSUBSCRIBE", "a*"],
    ["PING"],
    ["PUBLISH", "a", "x"],
    ["PUBLISH", "none", ""],
    ["UNSUBSCRIBE"],
    ["UNSUBSCRIBE"],
    ["PUNSUBSCRIBE"],
    ["PUNSUBSCRIBE"],
    ["CLIENT", "GETNAME"],
    ["RESET"],
    ["PING"],
    ["QUIT"],
  ],
  "what PUBSUB knows": [
    ["SUBSCRIBE", "a"],
    ["UNSUBSCRIBE"],
    ["PUBSUB"],
    ["PUBSUB", "CHANNELS"],
    ["PUBSUB", "NUMSUB"],
    ["PUBSUB", "NUMSUB", "a", "b"],
    ["PUBSUB", "NUMPAT"],
    ["QUIT"],
  ],
  transactions: [
    ["MULTI"],
    ["MULTI"],
    ["PUBLISH", "a", "x"],
    ["PING"],
    ["EXEC"],
    ["EXEC"],
    ["DISCARD"],
    ["MULTI"],
    ["PUBLISH", "a", "x"],
    ["PING", "x"],
    ["EXEC"],
    ["MULTI"],
    ["PUBLISH", "a"],
    ["EXEC"],
    ["MULTI"],
    ["PUBLISH", "a", "x"],
    ["DISCARD"],
    ["MULTI"],
    ["RESET"],
    ["EXEC"],
    ["MULTI"],
    ["QUIT"],
  ],
  "inline commands": [
    "PING\r\n",
    "PING\n",
    "\r\n",
    "  \r\n",
    'ECHO "\\x41\\n\\q"\r\n',
    "ECHO 'a b\\'c\\n'\r\n",
    "ECHO \tx\ty\r\n",
    'ECHO "a"b\r\n',
  ],
  "an open quote": ['ECHO "abc\r\n'],
  "empty commands": ["*0\r\n", "*-1\r\n", "*1\r\n$4\r\nPING\r\n", "*1\r\n:4\r\n"],
  "a null argument": ["*1\r\n$-1\r\n"],
  "a count that is no number": ["*x\r\n"],
  "a count with a leading zero": ["*01\r\n"],
  "a count out of range": ["*2147483648\r\n"],
  "a length that is no number": ["*1\r\n$4x\r\n"],
  "a length out of range": ["*1\r\n$999999999999\r\n"],
  "a length in place of a line end": ["*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", ["QUIT"]],
  "a line without end": ["x".repeat(65_540)],
  "a count without end": [`*${"1".repeat(65_540)}`],
  "a length without end": [`*1\r\n$${"1".repeat(65_540)}`],
  "a web page's request": ["POST / HTTP/1.1\r\nHost: x\r\n\r\nPUBLISH a x\r\n"],
};

/** Redis has a function of the name, which does nothing: what is told about functions is Redis's own. */
const FUNCTION = "#!lua name=tidings\nredis.register_function('tidings_publish', function() return 1 end)";

const functionScenes: Readonly<Record<string, readonly Step[]>> = {
  "calls that cannot be": [
    ["FCALL"],
    ["FCALL", "tidings_publish"],
    ["FCALL", "tidings_publish", "x"],
    ["FCALL", "tidings_publish", ""],
    ["FCALL", "tidings_publish", "01"],
    ["FCALL", "tidings_publish", "-0"],
    ["FCALL", "tidings_publish", "2", "a"],
    ["FCALL", "tidings_publish", "-1", "a"],
    ["FCALL", "tidings_publish", "9223372036854775808", "a"],
    ["FCALL", "other", "x"],
    ["FCALL_RO", "tidings_publish", "1", "a", "b"],
    ["FCALL_RO", "Tidings_Publish", "x"],
    ["FCALL_RO", "other", "0"],
    ["FCALL_RO", "other"],
    ["QUIT"],
  ],
  "lists of functions in protocol 2": [
    ["FUNCTION"],
    ["FUNCTION", "LIST"],
    ["FUNCTION", "LIST", "LIBRARYNAME"],
    ["FUNCTION", "LIST", "LIBRARYNAME", "t*"],
    ["FUNCTION", "LIST", "LIBRARYNAME", "x*", "WITHCODE"],
    ["FUNCTION", "LIST", "WITHCODE", "WITHCODE"],
    ["FUNCTION", "LIST", "other"],
    ["QUIT"],
  ],
  "lists of functions in protocol 3": [
    ["FUNCTION", "LIST"],
    ["FUNCTION", "LIST", "LIBRARYNAME", "x"],
    ["QUIT"],
  ],
};

/** Plays a scene, and gives every byte that came back until the server closed. */
async function play(port: number, protocol: number, steps: readonly Step[]): Promise<string> {
  await using connection = await RawConnection.open(port);
  if (protocol === 3) await connection.sayHello();
  for (const step of steps) {
    if (typeof step === "string") connection.write(step);
    else connection.send(...step);
  }
  return await connection.untilClosed();
}

test.skipIf(missing)("every scene is answered byte for byte as Redis answers it", async () => {
  await using redis = await startRedis();
  await using it = startBrokerPort();
  await it.broker.close();
  await using admin = await RawConnection.open(redis.port);
  await admin.ask(["FUNCTION", "LOAD", FUNCTION], "$7\r\ntidings\r\n");
  for (const [name, steps] of Object.entries({ ...scenes, ...functionScenes })) {
    const protocol = name.endsWith("3") ? 3 : 2;
    const [ours, theirs] = [await play(it.port, protocol, steps), await play(redis.port, protocol, steps)];
    expect(`${name}: ${ours}`).toBe(`${name}: ${theirs}`);
  }
});

test.skipIf(missing)("a pattern fits the same channels as it does in Redis", async () => {
  await using redis = await startRedis();
  await using connection = await RawConnection.open(redis.port);
  await connection.sayHello();
  const letters = ["a", "b", "c", "]", "-", "^", "\\", "*", "["];
  const names = ["", ...letters, ...letters.flatMap((one) => ["a", "b", "]", "*"].map((two) => one + two))];
  const channels = new ChannelRegistry();
  for (const [index, name] of names.entries()) {
    channels.subscribe(ownBytes(name), { deliver: () => {} });
    const confirmation = `>3\r\n$9\r\nsubscribe\r\n$${name.length}\r\n${name}\r\n:${index + 1}\r\n`;
    await connection.ask(["SUBSCRIBE", name], confirmation);
  }
  const piece = fc.constantFrom(
    "a",
    "b",
    "*",
    "?",
    "[",
    "]",
    "^",
    "-",
    "\\",
    "[a-b]",
    "[^a]",
    "[b-a]",
    "[\\]]",
  );
  const pattern = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(""));
  await fc.assert(
    fc.asyncProperty(pattern, async (text) => {
      connection.send("PUBSUB", "CHANNELS", text);
      const theirs = await connection.readStrings();
      const ours = channels.channelNames(ownBytes(text)).map(textOf);
      expect(ours.toSorted()).toEqual(theirs.toSorted());
    }),
    { numRuns: 1_000 },
  );
});
