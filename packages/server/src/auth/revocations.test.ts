import { describe, expect, test } from "bun:test";
import { pino } from "pino";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { eventually } from "../../../../tests/support/eventually.ts";
import {
  type Broker,
  type BrokerMessage,
  BrokerRefused,
  type Marks,
  type MarkWrite,
} from "../broker/broker.ts";
import type { FleetAnswer } from "../fleet.ts";
import { LogSampler } from "../log-sampler.ts";
import { MAX_REVOCATIONS, REVOCATION_GRACE_MS, revocationText } from "./revocation.ts";
import { Revocations } from "./revocations.ts";
import type { RevocableClient } from "./revoked-clients.ts";

const ann = revocationText({ user_id: "ann" });
const bob = revocationText({ user_id: "bob" });
const HOUR = 3_600_000;

/** A store whose reads wait until the test lets them go. */
class Store implements Pick<Broker, "readMarks" | "setMarks"> {
  readonly marks = new Map<string, number>();
  readonly told: BrokerMessage[] = [];
  refuses = false;
  reads = 0;
  gate: Promise<void> = Promise.resolve();

  async readMarks(): Promise<Marks> {
    this.reads += 1;
    if (this.refuses) throw new BrokerRefused("Redis refused: the Redis user lacks a permission (NOPERM)");
    const read = new Map(this.marks);
    await this.gate;
    return read;
  }

  async setMarks({ marks, onlyMissing, tell }: MarkWrite): Promise<void> {
    for (const [text, end] of marks)
      if (onlyMissing !== true || !this.marks.has(text)) this.marks.set(text, end);
    this.told.push(...tell);
  }
}

class Stage {
  readonly clock: ManualClock = new ManualClock();
  readonly store: Store = new Store();
  readonly closed: string[] = [];
  readonly log: string[] = [];
  readonly clients: RevocableClient[] = [];
  readonly revocations: Revocations;

  constructor() {
    const { clients, store } = this;
    this.revocations = new Revocations({
      broker: () => store,
      fleet: {
        async mark(marks, write): Promise<FleetAnswer> {
          await write({ channel: "control", data: JSON.stringify([...marks]) });
          return { connections: 0, relays: 1 };
        },
        markMessage: (marks) => ({ channel: "control", data: JSON.stringify([...marks]) }),
      },
      connections: {
        clients,
        clientsOf: (userId) => clients.filter((client) => client.userId === userId),
      },
      clock: this.clock,
      logger: pino({}, { write: (line: string) => void this.log.push(line) }),
      sampler: new LogSampler(this.clock),
    });
  }

  connect(userId: string, tokenId?: string): void {
    const close = (): void => void this.closed.push(tokenId ?? userId);
    this.clients.push({ userId, issuedAt: this.clock.wall() / 1_000, tokenId, close });
  }

  /** Lets time pass until what was begun is done. */
  async untilRead(): Promise<void> {
    await eventually("they are read", () => this.revocations.trouble === null);
    this.clock.advance(50);
  }

  later(ms: number): number {
    return this.clock.wall() + ms;
  }

  covers(userId: string): boolean {
    return this.revocations.covers({ userId });
  }
}

describe("revocations", () => {
  test("have whoever comes with the relay's start wait for the first read, which decides", async () => {
    const it = new Stage();
    it.store.marks.set(ann, it.later(HOUR));
    const early = [it.revocations.objection({ userId: "bob" }), it.revocations.objection({ userId: "ann" })];
    it.revocations.arrived();
    await it.untilRead();
    const [bob, annsOwn] = early;
    expect([await bob, await annsOwn]).toEqual([null, { code: "revoked", reason: "the token was revoked" }]);
  });

  test("let nobody in while 3 s were not enough to read them once, and then whom they do not cover", async () => {
    const it = new Stage();
    it.store.marks.set(ann, it.later(HOUR));
    const early = it.revocations.objection({ userId: "bob" });
    it.clock.advance(3_000);
    expect(await early).toMatchObject({ code: "unavailable" });
    expect(await it.revocations.objection({ userId: "bob" })).toMatchObject({ code: "unavailable" });
    it.revocations.arrived();
    await it.untilRead();
    expect(await it.revocations.objection({ userId: "bob" })).toBeNull();
    expect(await it.revocations.objection({ userId: "ann" })).toEqual({
      code: "revoked",
      reason: "the token was revoked",
    });
  });

  test("that cannot be read are tried again, and say why meanwhile", async () => {
    const it = new Stage();
    it.store.refuses = true;
    it.revocations.arrived();
    await eventually("the first attempt failed", () => it.log.length === 1);
    expect(it.revocations.trouble).toContain("NOPERM");
    it.store.refuses = false;
    it.clock.advance(500);
    await it.untilRead();
    expect(it.store.reads).toBe(2);
  });

  test("that are being read when the relay stops are given up without a word", async () => {
    const it = new Stage();
    it.store.refuses = true;
    it.revocations.arrived();
    it.revocations.stop();
    await eventually("the attempt is over", () => it.revocations.trouble?.includes("NOPERM") === true);
    expect([it.log, it.clock.timers]).toEqual([[], 0]);
  });

  test("that are read close the connections that they cover, and no other", async () => {
    const it = new Stage();
    it.connect("ann");
    it.connect("bob");
    it.store.marks.set(ann, it.later(HOUR));
    it.revocations.arrived();
    await it.untilRead();
    await eventually("ann is closed", () => it.closed.length > 0);
    expect(it.closed).toEqual(["ann"]);
  });

  test("stay known while the connection to the store is lost, and are doubted until they are read again", async () => {
    const it = new Stage();
    it.store.marks.set(ann, it.later(HOUR));
    it.revocations.arrived();
    await it.untilRead();
    it.revocations.interrupted();
    expect(it.revocations.trouble).not.toBeNull();
    expect([it.covers("ann"), await it.revocations.objection({ userId: "bob" })]).toEqual([true, null]);
    it.store.marks.set(bob, it.later(HOUR));
    it.revocations.arrived();
    await it.untilRead();
    expect(it.covers("bob")).toBe(true);
  });

  test("that were read over a connection which is lost meanwhile are read again", async () => {
    const it = new Stage();
    const gate = Promise.withResolvers<void>();
    it.store.gate = gate.promise;
    it.revocations.arrived();
    it.revocations.interrupted();
    it.store.marks.set(ann, it.later(HOUR));
    it.revocations.arrived();
    gate.resolve();
    await it.revocations.objection({ userId: "bob" });
    await eventually("another attempt waits", () => it.clock.timers === 2);
    expect(it.revocations.trouble).not.toBeNull();
    it.clock.advance(500);
    await it.untilRead();
    expect(it.covers("ann")).toBe(true);
  });

  test("that are told while the store is read count more than what is read", async () => {
    const it = new Stage();
    const gate = Promise.withResolvers<void>();
    it.store.gate = gate.promise;
    it.store.marks.set(ann, it.later(HOUR));
    it.revocations.arrived();
    await it.revocations.heard(
      new Map([
        [ann, it.later(-HOUR)],
        [bob, it.later(HOUR)],
      ]),
    );
    gate.resolve();
    await it.untilRead();
    expect([it.covers("ann"), it.covers("bob")]).toEqual([false, true]);
    expect(it.store.told).toEqual([]);
  });

  test("that the store lost are written back and told, but not those that were lifted or have ended", async () => {
    const it = new Stage();
    it.store.marks.set(ann, it.later(HOUR)).set(bob, it.later(HOUR));
    const short = revocationText({ user_id: "cy" });
    it.store.marks.set(short, it.later(1_000));
    it.revocations.arrived();
    await it.untilRead();
    it.revocations.interrupted();
    it.store.marks.clear();
    it.store.marks.set(bob, it.later(-REVOCATION_GRACE_MS));
    it.clock.advance(2_000);
    it.revocations.arrived();
    await it.untilRead();
    await eventually("ann is written back", () => it.store.marks.has(ann));
    expect([it.covers("ann"), it.covers("bob")]).toEqual([true, false]);
    expect([...it.store.marks.keys()].toSorted()).toEqual([ann, bob].toSorted());
    expect(it.store.told.map(({ data }) => String(data))).toEqual([
      JSON.stringify([...it.store.marks].filter(([text]) => text === ann)),
    ]);
  });

  test("that somebody deleted from the store are written back within a minute", async () => {
    const it = new Stage();
    it.store.marks.set(ann, it.later(HOUR));
    it.revocations.arrived();
    await it.untilRead();
    it.store.marks.clear();
    it.clock.advance(60_000);
    await eventually("ann is written back", () => it.store.marks.has(ann));
    expect(it.revocations.trouble).toBeNull();
  });

  test("hold a minute longer than they say, and are listed and counted while they do", async () => {
    const it = new Stage();
    it.revocations.arrived();
    await it.untilRead();
    const expiresAt = it.later(HOUR);
    await it.revocations.set({ user_id: "ann" }, expiresAt);
    await it.revocations.heard(it.store.marks);
    expect(it.revocations.list()).toEqual([{ revocation: { user_id: "ann" }, expiresAt }]);
    it.clock.advance(HOUR + REVOCATION_GRACE_MS - 1);
    expect(it.covers("ann")).toBe(true);
    it.clock.advance(1);
    expect(it.covers("ann")).toBe(false);
    it.clock.advance(60_000);
    expect([it.revocations.size, it.revocations.list()]).toEqual([0, []]);
  });

  test("are closed for together where they concern all connections: one look for a thousand of them", async () => {
    const it = new Stage();
    it.revocations.arrived();
    await it.untilRead();
    for (let n = 0; n < 1_200; n += 1) it.connect("ann", `t${n}`);
    const before = it.clock.timers;
    const answers = Array.from({ length: 1_000 }, (_, n) =>
      it.revocations.heard(new Map([[revocationText({ jti: `t${n}` }), it.later(HOUR)]])),
    );
    expect(it.clock.timers).toBe(before + 1);
    it.clock.advance(50);
    await eventually("all are closed", () => {
      it.clock.advance(1);
      return it.closed.length === 1_000;
    });
    expect(new Set(await Promise.all(answers))).toEqual(new Set([1_000]));
  });

  test("have a bound, at which only those that are known can be set anew", async () => {
    const it = new Stage();
    for (let n = 0; n < MAX_REVOCATIONS; n += 1) {
      it.store.marks.set(revocationText({ jti: `t${n}` }), it.later(HOUR));
    }
    it.revocations.arrived();
    await it.untilRead();
    expect(it.revocations.isFullFor({ jti: "t0" })).toBe(false);
    expect(it.revocations.isFullFor({ jti: "another" })).toBe(true);
  });

  test("of a kind that this relay does not know are passed over", async () => {
    const it = new Stage();
    it.store.marks.set('{"device":"d1"}', it.later(HOUR)).set(ann, it.later(HOUR));
    it.revocations.arrived();
    await it.untilRead();
    expect(it.log).toEqual([expect.stringContaining("a revocation that this relay does not know")]);
    expect(it.covers("ann")).toBe(true);
  });
});
