import { describe, expect, test } from "bun:test";
import { BrokerUnavailable, type MarkWrite } from "./broker.ts";
import { type BrokerUnderTest, type MakeBroker, rejection, started } from "./broker-contract.ts";

const NOW = 1_795_305_600_000;

/** A write of marks that end so many milliseconds from now. */
function write(ends: Readonly<Record<string, number>>, more: Partial<MarkWrite> = {}): MarkWrite {
  const marks = new Map(Object.entries(ends).map(([text, end]) => [text, NOW + end]));
  return { key: "tidings:marks", marks, now: NOW, rememberMs: 1_000, most: 100, tell: [], ...more };
}

/** Runs the promises of {@link Broker.setMarks} and {@link Broker.readMarks} as tests against the brokers that `make` makes. */
export function describeMarkContract(name: string, make: MakeBroker): void {
  describe(`${name} keeps the contract of marks`, () => describeMarks(make));
}

function describeMarks(make: MakeBroker): void {
  const ends = async (it: BrokerUnderTest): Promise<Record<string, number>> => {
    const marks = await it.broker.readMarks("tidings:marks");
    return Object.fromEntries(Array.from(marks, ([text, end]) => [text, end - NOW]));
  };

  test("marks are read with their ends, also thousands of them, and of their own key alone", async () => {
    await using it = await started(make, { subscriptions: new Map() });
    expect(await ends(it)).toEqual({});
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`é"${index}`, index + 1]));
    await it.broker.setMarks(write(many, { most: 5_000 }));
    await it.broker.setMarks(write({ other: 7 }, { key: "tidings:others" }));
    expect(await ends(it)).toEqual(many);
  });

  test("a mark is set anew, or left as it is where only missing ones are asked for", async () => {
    await using it = await started(make, { subscriptions: new Map() });
    await it.broker.setMarks(write({ a: 10, b: 20 }));
    await it.broker.setMarks(write({ a: 5 }));
    await it.broker.setMarks(write({ b: 5, c: 30 }, { onlyMissing: true }));
    expect(await ends(it)).toEqual({ a: 5, b: 20, c: 30 });
  });

  test("a mark that ended is remembered for a while, and then forgotten with the next write", async () => {
    await using it = await started(make, { subscriptions: new Map() });
    await it.broker.setMarks(write({ old: -1_001, recent: -999, holds: 1 }));
    await it.broker.setMarks(write({}));
    expect(await ends(it)).toEqual({ recent: -999, holds: 1 });
  });

  test("of too many marks those that end first are forgotten", async () => {
    await using it = await started(make, { subscriptions: new Map() });
    await it.broker.setMarks(write({ a: 3, b: 1, c: 4, d: 2 }, { most: 2 }));
    expect(await ends(it)).toEqual({ a: 3, c: 4 });
  });

  test("who hears of marks can read them", async () => {
    const seen = Promise.withResolvers<Record<string, number>>();
    let look = (): void => {};
    await using it = await started(make, { subscriptions: new Map([["control", () => look()]]) });
    look = () => void ends(it).then(seen.resolve, seen.reject);
    await it.broker.setMarks(write({ a: 1 }, { tell: [{ channel: "control", data: "a" }] }));
    expect(await seen.promise).toEqual({ a: 1 });
  });

  test("marks are neither set nor read by a broker that does not run", async () => {
    await using it = await make({ subscriptions: new Map() });
    expect(await rejection(it.broker.setMarks(write({ a: 1 })))).toBeInstanceOf(BrokerUnavailable);
    expect(await rejection(it.broker.readMarks("tidings:marks"))).toBeInstanceOf(BrokerUnavailable);
  });
}
