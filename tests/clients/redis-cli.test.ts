import { expect, test } from "bun:test";
import { available, REDIS_CLI } from "./tools.ts";
import { type BrokerPort, Lines, startBrokerPort, until } from "./trial.ts";

const missing = !available(REDIS_CLI);
const UPDATE = '{"target_user_id": "7f9c", "type": "agent_update", "payload": {"text": "Searching Google…"}}';

async function cli(it: BrokerPort, words: readonly string[], input?: string): Promise<string> {
  const child = Bun.spawn(["redis-cli", "-p", String(it.port), "--no-auth-warning", ...words], {
    stdin: input === undefined ? "ignore" : new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return out + err;
}

test.skipIf(missing)("redis-cli publish brings an update to the relay, byte for byte", async () => {
  await using it = startBrokerPort();
  expect(await cli(it, ["publish", "updates", UPDATE])).toBe("1\n");
  expect(await cli(it, ["-3", "publish", "updates", UPDATE])).toBe("1\n");
  expect(await cli(it, ["-u", `redis://any:secret@127.0.0.1:${it.port}/3`, "publish", "updates", "x"])).toBe(
    "1\n",
  );
  expect(it.updates).toEqual([UPDATE, UPDATE, "x"]);
});

test.skipIf(missing)(
  "redis-cli fcall stores an update and prints its position, or why it was refused",
  async () => {
    await using it = startBrokerPort();
    const fcall = (key: string): Promise<string> => cli(it, ["fcall", "tidings_publish", "1", key, UPDATE]);
    const position = await it.broker.log?.positions(["7f9c"]);
    const epoch = position?.[0]?.epoch ?? "";
    expect(await fcall("tidings:{7f9c}:log")).toBe(`${epoch}.1\n`);
    expect(await fcall("tidings:{7f9c}:log")).toBe(`${epoch}.2\n`);
    expect(await fcall("tidings:{ann}:log")).toContain(
      "ERR tidings: key_mismatch: the key of the log of this user is tidings:{7f9c}:log\n",
    );
    expect(await cli(it, ["function", "list"])).toContain("tidings_publish\n");
  },
);

test.skipIf(missing)("redis-cli takes commands from its input and reads updates with -x", async () => {
  await using it = startBrokerPort();
  const answers = await cli(
    it,
    [],
    'ping\npublish updates "a \\"b\\""\nget key\nmulti\npublish updates c\nexec\n',
  );
  expect(answers.split("\n").filter((line) => line !== "")).toEqual([
    "PONG",
    "1",
    "ERR the embedded broker of tidings dev does not have 'get'; it is for development: " +
      "point TIDINGS_REDIS_URL at a real Redis",
    "OK",
    "QUEUED",
    "1",
  ]);
  expect(await cli(it, ["-x", "publish", "updates"], "from a file")).toBe("1\n");
  expect(it.updates).toEqual(['a "b"', "c", "from a file"]);
});

for (const flag of ["-2", "-3"]) {
  test.skipIf(missing)(`redis-cli ${flag} subscribe and psubscribe print what is published`, async () => {
    await using it = startBrokerPort();
    for (const [verb, name] of [
      ["subscribe", "updates"],
      ["psubscribe", "up*"],
    ] as const) {
      const child = Bun.spawn(["redis-cli", flag, "-p", String(it.port), verb, name], { stdout: "pipe" });
      const output = new Lines(child.stdout);
      await until("the subscription", () => output.has(verb));
      await it.broker.publish([{ channel: "updates", data: UPDATE }]);
      await until("the update", () => output.has(UPDATE));
      child.kill();
      await child.exited;
      const message = verb === "subscribe" ? ["message", "updates"] : ["pmessage", "up*", "updates"];
      expect(output.all).toEqual([verb, name, "1", ...message, UPDATE]);
      await until("its leaving", () => it.broker.channels.patternCount === 0);
    }
  });
}

test.skipIf(missing)(
  "redis-cli works at a terminal: commands, a subscription, and the way back",
  async () => {
    await using it = startBrokerPort();
    const screen = { text: "" };
    const child = Bun.spawn(["redis-cli", "-p", String(it.port)], {
      env: { ...process.env, TERM: "dumb", REDISCLI_HISTFILE: "/dev/null" },
      terminal: {
        data: (_, bytes) => {
          screen.text += new TextDecoder().decode(bytes);
        },
      },
    });
    try {
      const seen = (text: string): Promise<void> =>
        until(`${JSON.stringify(text)} on ${JSON.stringify(screen.text.slice(-300))}`, () =>
          screen.text.includes(text),
        );
      const type = (text: string): void => {
        screen.text = "";
        child.terminal?.write(`${text}\n`);
      };
      await seen(`127.0.0.1:${it.port}>`);
      type("ping");
      await seen("PONG");
      type('publish updates "typed by hand"');
      await seen("(integer) 1");
      type("info server");
      await seen("tidings embedded broker");
      type("subscribe replies");
      await seen("(integer) 1");
      await it.broker.publish([{ channel: "replies", data: "to the screen" }]);
      await seen('"to the screen"');
      child.terminal?.write("\u0003");
      await until("its end or its prompt", () => child.exitCode !== null || screen.text.endsWith("> "));
      expect(it.updates).toEqual(["typed by hand"]);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
      child.terminal?.close();
    }
  },
);
