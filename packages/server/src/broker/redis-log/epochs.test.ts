import { describe, expect, test } from "bun:test";
import { eventually } from "../../../../../tests/support/eventually.ts";
import { type RedisServer, startRedis } from "../../../../../tests/support/redis-server.ts";
import { ALL, append, draft, entries, position, WIDE } from "../log-contract/under-test.ts";
import type { LogPosition } from "../update-log.ts";
import { librarySource } from "./function-library.ts";
import { logKey } from "./redis-log.ts";
import { type LogBench, publish, startLog } from "./redis-log-test-support.ts";
import { RedisShell } from "./redis-shell.ts";

const WITH_FILE = { args: ["--appendonly", "yes", "--appendfsync", "always"] };
const AT_ONCE = ["--repl-diskless-sync-delay", "0"];

describe("the epoch of a log in Redis", () => {
  test("changes when its key was deleted or evicted, whichever call comes first", async () => {
    await using it = await startLog();
    const epochs = new Set<string>();
    const calls: readonly (() => Promise<LogPosition>)[] = [
      () => append(it.log, draft("ann", "1")),
      () => publish(it.shell, "ann"),
      () => position(it.log, "ann"),
      async () => (await it.log.read("ann", "earliest", ALL)).top,
    ];
    for (const call of calls) {
      epochs.add((await append(it.log, draft("ann", "0"))).epoch);
      await it.forget("ann");
      const { epoch, n } = await call();
      expect([epochs.has(epoch), n]).toEqual([false, calls.indexOf(call) < 2 ? 1 : 0]);
      epochs.add(epoch);
    }
  });

  test("changes when Redis came back without its data, and its functions are loaded again", async () => {
    await using it = await startLog();
    const old = await append(it.log, draft("ann", "1"));
    await restarted(it);
    const page = await it.log.read("ann", old, ALL);
    expect([page.outcome, page.top.n]).toEqual(["epoch_changed", 0]);
  });

  test("stays when Redis was killed and has an append-only file, and nothing is missing", async () => {
    await using it = await startLog({}, WITH_FILE);
    const old = await append(it.log, draft("ann", "1"));
    for (let life = 2; life <= 4; life++) {
      await restarted(it);
      expect(await append(it.log, draft("ann", String(life)))).toEqual({ epoch: old.epoch, n: life });
    }
    const page = await it.log.read("ann", { epoch: old.epoch, n: 0 }, ALL);
    expect(entries(page).map(([, frame]) => frame)).toEqual(["1", "2", "3", "4"]);
  });

  test("changes when Redis was restored from a snapshot, though the log is there", async () => {
    await using it = await startLog({}, { args: ["--dbfilename", "dump.rdb"] });
    const old = await append(it.log, draft("ann", "1"));
    await it.shell.run("SAVE");
    await append(it.log, draft("ann", "lost"));
    await restarted(it);
    expect(await it.shell.run("EXISTS", logKey("ann"))).toBe(1);
    const next = await append(it.log, draft("ann", "2"));
    expect([next.n, next.epoch === old.epoch]).toEqual([1, false]);
    expect((await it.log.read("ann", old, ALL)).outcome).toBe("epoch_changed");
    expect(entries(await it.log.read("ann", "earliest", ALL))).toEqual([[1, "2"]]);
  });

  test("changes when a replica takes over, and again when the first one takes back over", async () => {
    await using first = await startRedis({ args: AT_ONCE });
    await using second = await startRedis({ args: AT_ONCE });
    await using a = await RedisShell.open(first.url);
    await using b = await RedisShell.open(second.url);
    await a.run("FUNCTION", "LOAD", librarySource(WIDE));
    await publish(a, "ann");
    const old = await publish(a, "idle");
    await follow(b, first);
    await b.run("REPLICAOF", "NO", "ONE");
    const taken = await publish(b, "ann");
    expect([taken.n, taken.epoch === old.epoch]).toEqual([1, false]);
    await follow(a, second);
    await a.run("REPLICAOF", "NO", "ONE");
    const back = await publish(a, "idle");
    expect([back.n, back.epoch === old.epoch]).toEqual([1, false]);
  }, 20_000);

  test("changes after a replica took over and was then restarted, though it has an append-only file", async () => {
    await using first = await startRedis({ args: AT_ONCE });
    await using second = await startRedis(WITH_FILE);
    await using a = await RedisShell.open(first.url);
    await using b = await RedisShell.open(second.url);
    await a.run("FUNCTION", "LOAD", librarySource(WIDE));
    const old = await publish(a, "idle");
    await follow(b, first);
    await b.run("REPLICAOF", "NO", "ONE");
    await publish(b, "ann");
    await second.restart();
    await eventually("Redis answers", async () => (await b.run("PING").catch(() => "")) === "PONG");
    const { n, epoch } = await publish(b, "idle");
    expect([n, epoch === old.epoch]).toEqual([1, false]);
    expect((await publish(b, "ann")).n).toBe(2);
  }, 20_000);

  test("changes in doubt for the log in doubt and those not written since the start, for good", async () => {
    await using it = await startLog({}, WITH_FILE);
    const [ann, bob, eve] = await it.log.append(["ann", "bob", "eve"].map((target) => draft(target, "1")));
    await restarted(it);
    await append(it.log, draft("bob", "2"));
    await it.log.distrust("ann", ann?.epoch ?? "");
    await it.shell.run("FUNCTION", "LOAD", "REPLACE", `${librarySource(WIDE)}\n`);
    expect((await it.log.read("ann", ann ?? "earliest", ALL)).outcome).toBe("epoch_changed");
    expect((await it.log.read("eve", eve ?? "earliest", ALL)).outcome).toBe("epoch_changed");
    expect(entries(await it.log.read("bob", bob ?? "earliest", ALL))).toEqual([[2, "2"]]);
    await restarted(it);
    expect(entries(await it.log.read("bob", bob ?? "earliest", ALL))).toEqual([[2, "2"]]);
  });

  test("changes when an entry was taken out of the middle: what is left is not passed off as whole", async () => {
    await using it = await startLog();
    const top = (await it.log.append(["1", "2", "3", "4"].map((frame) => draft("ann", frame)))).at(-1);
    const [, second] = (await it.shell.run("XRANGE", logKey("ann"), "-", "+")) as [string, unknown][];
    await it.shell.run("XDEL", logKey("ann"), second?.[0] ?? "");
    const page = await it.log.read("ann", "earliest", ALL);
    expect(page.top.epoch).not.toBe(top?.epoch ?? "");
    expect(page.entries).toEqual([]);
    expect((await it.log.read("ann", { epoch: top?.epoch ?? "", n: 3 }, ALL)).outcome).toBe("epoch_changed");
  });

  test("changes without need, and never the other way round, where the lineage was evicted", async () => {
    await using it = await startLog({}, WITH_FILE);
    const old = await append(it.log, draft("ann", "1"));
    await it.shell.run("DEL", "tidings:lineage");
    expect(await append(it.log, draft("ann", "2"))).toEqual({ epoch: old.epoch, n: 2 });
    await restarted(it);
    expect((await it.log.read("ann", old, ALL)).outcome).toBe("epoch_changed");
  });
});

/** Kills Redis, starts it again, and waits until the broker is well and the shell is back. */
async function restarted(it: LogBench): Promise<void> {
  await it.redis.kill("SIGKILL");
  await eventually("the broker noticed", () => !it.broker.health.ok);
  await it.redis.restart();
  await eventually("the broker is back", () => it.broker.health.ok);
  await eventually("the shell is back", async () => (await it.shell.run("PING").catch(() => "")) === "PONG");
}

/** Makes a server a replica, and waits until it has everything. */
async function follow(replica: RedisShell, master: RedisServer): Promise<void> {
  await replica.run("REPLICAOF", "127.0.0.1", String(master.port));
  await eventually("the replica is in step", async () => {
    const info = String(await replica.run("INFO"));
    return info.includes("master_link_status:up") && info.includes("aof_rewrite_in_progress:0");
  });
}
