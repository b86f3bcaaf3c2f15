import { expect, test } from "bun:test";
import type { LogPage, UpdateLog } from "../broker/update-log.ts";
import { Feed } from "./feed.ts";
import { LogReads } from "./log-reads.ts";

const PAGE: LogPage = { outcome: "ok", top: { epoch: "e", n: 0 }, first: 1, entries: [] };

const wanted = (): boolean => true;

test("a thousand reads at once reach the log a few at a time, in order, also where some fail", async () => {
  const open: { readonly target: string; readonly end: (fails: boolean) => void }[] = [];
  const order: string[] = [];
  let most = 0;
  const read: UpdateLog["read"] = (target) => {
    const { promise, resolve, reject } = Promise.withResolvers<LogPage>();
    order.push(target);
    const end = (fails: boolean): void => (fails ? reject(new Error("away")) : resolve(PAGE));
    open.push({ target, end });
    most = Math.max(most, open.length);
    return promise;
  };
  const reads = new LogReads({ read }, 1_048_576);
  const targets = Array.from({ length: 1_000 }, (_, index) => `user-${index}`);
  const results = Promise.allSettled(
    targets.map((target) => reads.read(new Feed(target), "earliest", wanted)),
  );
  for (let ended = 0; ended < targets.length; ended += 1) {
    open.shift()?.end(ended % 3 === 0);
    await Bun.sleep(0);
  }
  const statuses = (await results).map(({ status }) => status);
  expect(statuses.filter((status) => status === "rejected").length).toBe(334);
  expect(order).toEqual(targets);
  expect(most).toBe(32);
});

test("a page leaves room in a client's bound", async () => {
  const limits: number[] = [];
  const read: UpdateLog["read"] = async (_target, _after, { bytes }) => {
    limits.push(bytes);
    return PAGE;
  };
  await new LogReads({ read }, 4_096).read(new Feed("ann"), "earliest", wanted);
  await new LogReads({ read }, 16 * 1_048_576).read(new Feed("ann"), "earliest", wanted);
  expect(limits).toEqual([1_024, 65_536]);
});

test("clients left behind at one place share a read, until their feed moves on", async () => {
  let asked = 0;
  const read: UpdateLog["read"] = async () => {
    asked += 1;
    return PAGE;
  };
  const reads = new LogReads({ read }, 1_048_576);
  const feed = new Feed("*");
  feed.anchor({ epoch: "e", n: 5 });
  const place = { epoch: "e", n: 2 };
  const before = Array.from({ length: 10_000 }, () => reads.read(feed, place, wanted));
  feed.jump({ epoch: "e", n: 6 });
  const after = Array.from({ length: 10_000 }, () => reads.read(feed, place, wanted));
  await Promise.all([...before, ...after]);
  expect(asked).toBe(2);
  await reads.read(feed, place, wanted);
  expect(asked).toBe(3);
});

test("what nobody wants any more when its turn comes is not read, and what one of several wants is", async () => {
  const turns: (() => void)[] = [];
  const asked: string[] = [];
  const read: UpdateLog["read"] = (target) => {
    const { promise, resolve } = Promise.withResolvers<LogPage>();
    asked.push(target);
    turns.push(() => resolve(PAGE));
    return promise;
  };
  const reads = new LogReads({ read }, 1_048_576);
  const busy = Array.from({ length: 32 }, (_, index) =>
    reads.read(new Feed(`busy-${index}`), "earliest", wanted),
  );
  let isWanted = true;
  const gone = reads.read(new Feed("gone"), "earliest", () => isWanted);
  const shared = new Feed("shared");
  const both = [reads.read(shared, "earliest", () => isWanted), reads.read(shared, "earliest", wanted)];
  isWanted = false;
  for (const turn of turns.splice(0)) turn();
  await Promise.all(busy);
  expect(await gone).toBeNull();
  for (const turn of turns.splice(0)) turn();
  expect(await Promise.all(both)).toEqual([PAGE, PAGE]);
  expect(asked.slice(32)).toEqual(["shared"]);
});
