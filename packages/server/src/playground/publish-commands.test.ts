import { expect, test } from "bun:test";
import { publishCommands } from "./publish-commands.ts";

/** What the shell makes of a line: its words. */
async function wordsOf(command: string): Promise<readonly string[]> {
  const shell = Bun.spawn(["sh", "-c", `printf '%s\\0' ${command}`], { stdout: "pipe" });
  return (await new Response(shell.stdout).text()).split("\0").slice(0, -1);
}

test("the lines survive a shell, whatever the user is called", async () => {
  for (const user of ["demo", "it's", 'a"b', "$(echo no)", "日本 `x`", "-p", "a\\b"]) {
    const [redis, tidings] = publishCommands(user, "updates", 6390);
    const words = await wordsOf(redis?.command ?? "");
    expect(words.slice(0, 5)).toEqual(["redis-cli", "-p", "6390", "publish", "updates"]);
    expect(JSON.parse(words[5] ?? "").target_user_id).toBe(user);
    expect(await wordsOf(tidings?.command ?? "")).toContain(`--user=${user}`);
  }
});

test("without an embedded broker the line names the Redis of the relay", () => {
  expect(publishCommands("demo", "updates", null)[0]?.command).toStartWith(
    'redis-cli -u "$TIDINGS_REDIS_URL" publish',
  );
});
