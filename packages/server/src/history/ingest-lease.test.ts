import { describe, expect, test } from "bun:test";
import { BrokerUnavailable } from "../broker/broker.ts";
import type { Lease } from "../broker/update-log.ts";
import { IngestLease, LEASE_TTL_MS } from "./ingest-lease.ts";
import { settle } from "./ingest-test-support.ts";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";

/** A lease asked of a log that answers as the test says, by a clock of its own. */
class Bench {
  readonly clock: ManualClock = new ManualClock();
  readonly said: string[] = [];
  readonly asked: number[] = [];
  releases = 0;
  /** The log's answer, or null where it does not. */
  answer: (() => Lease) | null = () => ({ isHeld: true, deadline: 1_000_000 + this.clock.monotonic() });
  readonly lease: IngestLease = new IngestLease({
    log: {
      lease: async () => {
        this.asked.push(this.clock.monotonic());
        if (this.answer === null) throw new BrokerUnavailable("away");
        return this.answer();
      },
      release: async () => void (this.releases += 1),
    },
    holder: "me",
    clock: this.clock,
    random: () => 0.5,
    onHeld: (isUnbroken) => this.said.push(isUnbroken ? "held on" : "held"),
    onRefused: () => this.said.push("refused"),
    onLapsed: () => this.said.push("lapsed"),
  });

  async pass(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 50) {
      this.clock.advance(50);
      await settle();
    }
  }
}

const refused = (): Lease => ({ isHeld: false, deadline: 0 });

describe("a lease", () => {
  test("is asked for at once and then at least every 500 ms, and says whether it was unbroken", async () => {
    const it = new Bench();
    it.lease.start();
    await it.pass(10_000);
    expect(it.said.slice(0, 3)).toEqual(["held", "held on", "held on"]);
    const gaps = it.asked.slice(1).map((at, index) => at - (it.asked[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(500);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(400);
  });

  test("that is not renewed ends by its holder's clock before it ends by the log's, and says so", async () => {
    const it = new Bench();
    it.lease.start();
    await settle();
    it.answer = null;
    it.clock.stall(LEASE_TTL_MS - 51);
    expect(it.lease.current).not.toBeNull();
    it.clock.stall(2);
    expect(it.lease.current).toBeNull();
    await it.pass(500);
    expect(it.said).toEqual(["held", "lapsed"]);
  });

  test("that ended by the log's clock and is got again was broken", async () => {
    const it = new Bench();
    it.lease.start();
    await settle();
    it.clock.stall(LEASE_TTL_MS);
    await settle();
    expect(it.said.at(-1)).toBe("held");
  });

  test("that another had between was broken, however short", async () => {
    const it = new Bench();
    const held = it.answer;
    it.lease.start();
    await settle();
    it.answer = refused;
    await it.pass(500);
    it.answer = held;
    await it.pass(1_000);
    expect(it.said).toEqual(["held", "refused", "held", "held on"]);
  });

  test("asked for while a question is under way is asked for again", async () => {
    const it = new Bench();
    it.answer = refused;
    it.lease.start();
    it.lease.ask();
    it.lease.ask();
    await settle();
    expect(it.asked.length).toBe(2);
  });

  test("that a late answer brings after the stop is given back", async () => {
    const it = new Bench();
    it.lease.start();
    it.lease.stop();
    await settle();
    expect([it.releases, it.lease.current, it.said]).toEqual([1, null, []]);
    await it.pass(2_000);
    expect([it.asked.length, it.clock.timers]).toEqual([1, 0]);
  });

  test("that is not answered says why, and the last answer holds for no longer than it can be true", async () => {
    const it = new Bench();
    it.answer = refused;
    it.lease.start();
    await settle();
    expect([it.lease.isFresh, it.lease.fault]).toEqual([true, null]);
    it.answer = null;
    await it.pass(2_450);
    expect([it.lease.isFresh, it.lease.fault]).toEqual([true, "away"]);
    await it.pass(50);
    expect(it.lease.isFresh).toBe(false);
    it.answer = refused;
    await it.pass(500);
    expect([it.lease.isFresh, it.lease.fault]).toEqual([true, null]);
  });

  test("whose answer took longer than it lasts is asked for again, and not called unbroken", async () => {
    const it = new Bench();
    const answer = it.answer;
    it.lease.start();
    await settle();
    it.answer = () => {
      it.answer = answer;
      const lease = { isHeld: true, deadline: 1_000_000 + it.clock.monotonic() + LEASE_TTL_MS };
      it.clock.stall(LEASE_TTL_MS);
      return lease;
    };
    await it.pass(500);
    expect(it.said).toEqual(["held", "lapsed", "held"]);
  });
});
