import { describe, expect, test } from "bun:test";
import { eventually } from "../../../../../tests/support/eventually.ts";
import { startRedis } from "../../../../../tests/support/redis-server.ts";
import { BrokerUnavailable } from "../broker.ts";
import {
  ALL,
  append,
  appendNumbers,
  draft,
  entries,
  NoticeBoard,
  position,
  rejection,
  WIDE,
} from "../log-contract/under-test.ts";
import { LeaseLost } from "../update-log.ts";
import { librarySource } from "./function-library.ts";
import { logKey } from "./redis-log.ts";
import { publish, startLog } from "./redis-log-test-support.ts";
import { RedisShell } from "./redis-shell.ts";

const ANN = logKey("ann");

describe("a log in Redis", () => {
  test("is one key, and one more for the ids of each ten minutes", async () => {
    await using it = await startLog();
    await publish(it.shell, "ann");
    await position(it.log, "bob");
    const keys = (): Promise<string[]> =>
      it.shell.run("KEYS", "*").then((list) => (list as string[]).toSorted());
    expect(await keys()).toEqual(["tidings:lineage", ANN, logKey("bob")]);
    await publish(it.shell, "ann", ',"id":"a"');
    const ids = (await keys()).filter((key) => key.startsWith("tidings:{ann}:ids:"));
    expect(ids.length).toBe(1);
    const life = Number(await it.shell.run("PTTL", ids[0] ?? ""));
    expect(life > 600_000 && life <= 1_200_000).toBe(true);
  });

  test("holds little more than its bounds, whatever was appended", async () => {
    await using it = await startLog({ updates: 20, bytes: 6_400 });
    for (let n = 1; n <= 100; n++) {
      await append(it.log, draft("ann", String(n)));
      expect(Number(await it.shell.run("XLEN", ANN))).toBeLessThan(20 + 16);
    }
    for (let n = 1; n <= 100; n++) await append(it.log, draft("ann", "x".repeat(90)));
    expect(Number(await it.shell.run("XLEN", ANN))).toBeLessThanOrEqual(36);
    await append(it.log, draft("ann", "x".repeat(6_400)));
    expect(await it.shell.run("XLEN", ANN)).toBe(1);
  });

  test("lives from its latest append or position on for the time to live, and not much longer", async () => {
    await using it = await startLog({ ttlMs: 60_000 });
    await position(it.log, "ann");
    const life = async (): Promise<number> => Number(await it.shell.run("PTTL", ANN));
    expect(await life()).toBeGreaterThan(60_000);
    expect(await life()).toBeLessThan(64_000);
    await it.shell.run("PEXPIRE", ANN, "1000");
    await position(it.log, "ann");
    expect(await life()).toBeGreaterThan(60_000);
  });

  test("is kept alive by appends for its time to live after each", async () => {
    await using it = await startLog({ ttlMs: 160 });
    const { epoch } = await append(it.log, draft("ann", "1"));
    const end = performance.now() + 600;
    let appended = 1;
    await eventually("many times the time to live is over", async () => {
      const next = await append(it.log, draft("ann", "again"));
      expect(next).toEqual({ epoch, n: ++appended });
      expect(Number(await it.shell.run("PTTL", ANN))).toBeGreaterThanOrEqual(150);
      return performance.now() > end;
    });
  });

  test("takes next to nothing before its first update", async () => {
    await using it = await startLog();
    const start = await position(it.log, "ann");
    expect(Number(await it.shell.run("MEMORY", "USAGE", ANN))).toBeLessThan(200);
    expect(entries(await it.log.read("ann", "earliest", ALL))).toEqual([]);
    expect(await append(it.log, draft("ann", "1"))).toEqual({ epoch: start.epoch, n: 1 });
    expect(await it.shell.run("XLEN", ANN)).toBe(1);
    for (const after of ["earliest", start] as const) {
      expect(entries(await it.log.read("ann", after, ALL))).toEqual([[1, "1"]]);
    }
    await appendNumbers(it.log, "ann", 2, 16);
    expect(await it.shell.run("XLEN", ANN)).toBe(16);
  });

  test("tells workers' updates as it tells relays', holes included", async () => {
    await using it = await startLog();
    const board = await NoticeBoard.of(it);
    await publish(it.shell, "ann", ',"seq":5,"producer":"p\\u0041\\n"');
    await append(it.log, draft("ann", "{}", { seq: 8, producer: '"pA\\n"' }));
    await publish(it.shell, "*", ',"seq":1');
    await publish(it.shell, "*", ',"seq":3');
    const notices = await board.read(4);
    expect(notices.map(({ target, position, missed }) => [target, position.n, missed])).toEqual([
      ["ann", 1, null],
      ["ann", 2, { producer: "pA\n", from: 6, to: 7 }],
      ["*", 1, null],
      ["*", 2, { producer: null, from: 2, to: 2 }],
    ]);
    expect(notices[0]?.frame).toBe('{"type":"t","payload":null,"seq":5,"producer":"p\\u0041\\n"}');
  });

  test("knows an id that a worker and a relay both publish", async () => {
    await using it = await startLog();
    const once = await publish(it.shell, "ann", ',"id":"a"');
    expect(await append(it.log, draft("ann", "{}", { id: '"a"' }))).toEqual(once);
    expect(await publish(it.shell, "ann", ',"id":"a"')).toEqual(once);
  });

  test("knows an id of any length, and remembers of a long one no more than 40 bytes", async () => {
    await using it = await startLog();
    const ids = ["a".repeat(38), "b".repeat(39), "c".repeat(250)];
    const publishAll = (): Promise<unknown[]> =>
      Promise.all(ids.map((id) => publish(it.shell, "ann", `,"id":"${id}"`)));
    const all = await publishAll();
    expect(await publishAll()).toEqual(all);
    expect(await append(it.log, draft("ann", "{}", { id: `"${ids[2]}"` }))).toEqual({
      epoch: (await position(it.log, "ann")).epoch,
      n: 3,
    });
    const [key = ""] = (await it.shell.run("KEYS", "tidings:{ann}:ids:*")) as string[];
    const names = (await it.shell.run("HKEYS", key)) as string[];
    expect(names.map(({ length }) => length).toSorted((one, other) => one - other)).toEqual([0, 40, 40, 40]);
    await it.shell.run("DEL", key);
    expect(await publishAll()).toEqual(all);
  });

  test("knows its ids after the keys that remember them were evicted", async () => {
    await using it = await startLog();
    const publishAll = (): Promise<unknown[]> =>
      Promise.all(["a", "b", "c"].map((id) => publish(it.shell, "ann", `,"id":"${id}"`)));
    const all = await publishAll();
    for (let round = 0; round < 3; round++) {
      const keys = (await it.shell.run("KEYS", "tidings:{ann}:ids:*")) as string[];
      await it.shell.run("DEL", ...keys);
      expect(await publishAll()).toEqual(all);
      await publish(it.shell, "ann", `,"id":"new${round}"`);
    }
    expect((await position(it.log, "ann")).n).toBe(6);
  });

  test("knows an id for one window of time at least, over the window's end and without its keys, and not for ever", async () => {
    await using redis = await startRedis();
    await using shell = await RedisShell.open(redis.url);
    const windowMs = 400;
    await shell.run(
      "FUNCTION",
      "LOAD",
      librarySource(WIDE).replace(/WINDOW_MS = \d+/, `WINDOW_MS = ${windowMs}`),
    );
    const time = async (): Promise<number> => {
      const [seconds, micros] = (await shell.run("TIME")) as string[];
      return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    };
    const window = async (): Promise<number> => Math.floor((await time()) / windowMs);
    const before = await time();
    const first = await publish(shell, "ann", ',"id":"a"');
    const began = await window();
    let evictions = 0;
    let last = first;
    await eventually("the id is forgotten", async () => {
      const isNextWindow = (await window()) === began + 1;
      if (isNextWindow && evictions === 0) {
        evictions += 1;
        await shell.run("DEL", `tidings:{ann}:ids:${began}`);
      }
      last = await publish(shell, "ann", ',"id":"a"');
      return last.n !== first.n;
    });
    expect((await time()) - before).toBeGreaterThanOrEqual(windowMs);
    expect([last.epoch, last.n, evictions]).toEqual([first.epoch, 2, 1]);
  });

  test("refuses an append whole where Redis is full, and answers reads all the same", async () => {
    await using it = await startLog();
    const before = await append(it.log, draft("ann", "1"));
    await it.shell.run("CONFIG", "SET", "maxmemory", "1");
    const refused = await rejection(it.log.append([draft("bob", "1"), draft("ann", "2")]));
    expect(refused).toBeInstanceOf(BrokerUnavailable);
    expect(await rejection(publish(it.shell, "ann"))).toMatchObject({
      message: expect.stringMatching(/^OOM /),
    });
    expect(entries(await it.log.read("ann", "earliest", ALL))).toEqual([[1, "1"]]);
    expect((await it.log.lease("a", 1_000)).isHeld).toBe(true);
    await it.shell.run("CONFIG", "SET", "maxmemory", "0");
    expect(await it.log.positions(["ann"])).toEqual([before]);
    expect(await it.shell.run("EXISTS", logKey("bob"))).toBe(0);
  });

  test("takes the place of what is no log, so that one odd key is nobody else's loss", async () => {
    await using it = await startLog();
    await it.shell.run("SET", logKey("bob"), "a string");
    await it.shell.run("RPUSH", logKey("eve"), "a list");
    const drafts = ["ann", "bob", "eve"].map((target) => draft(target, "1"));
    expect((await it.log.append(drafts)).map(({ n }) => n)).toEqual([1, 1, 1]);
  });

  test("takes nothing under a lease after its deadline, by the clock of Redis", async () => {
    await using it = await startLog();
    const lease = await it.log.lease("a", 5_000);
    expect((await it.log.append([draft("ann", "1")], lease)).length).toBe(1);
    const late = { isHeld: true, deadline: lease.deadline - 5_000 };
    expect(await rejection(it.log.append([draft("ann", "2")], late))).toBeInstanceOf(LeaseLost);
    expect((await position(it.log, "ann")).n).toBe(1);
  });
});
