import { expect, test } from "bun:test";
import type { LogPage, UpdateLog } from "../broker/update-log.ts";
import { LogReads } from "./log-reads.ts";

const PAGE: LogPage = { outcome: "ok", top: { epoch: "e", n: 0 }, first: 1, entries: [] };

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
  const results = Promise.allSettled(targets.map((target) => reads.read(target, "earliest")));
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
  await new LogReads({ read }, 4_096).read("ann", "earliest");
  await new LogReads({ read }, 16 * 1_048_576).read("ann", "earliest");
  expect(limits).toEqual([2_048, 65_536]);
});
