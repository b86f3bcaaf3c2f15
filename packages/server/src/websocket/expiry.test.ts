import { expect, test } from "bun:test";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { Expiry, tokenDeadline } from "./expiry.ts";

class FakeClient {
  closedAt: number | null = null;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  close(): void {
    this.closedAt = this.#clock.wall();
  }
}

test("a client is closed within a second of its token's end, and not before", () => {
  const clock = new ManualClock();
  const expiry = new Expiry(clock);
  const client = new FakeClient(clock);
  const end = clock.wall() + 3_600_500;
  expiry.add(client, end);
  clock.advance(3_600_000);
  expect(client.closedAt).toBeNull();
  clock.advance(2_000);
  expect((client.closedAt ?? 0) - end).toBeWithin(0, 1_001);
});

test("a client without an end, one that left, and one with a new token are not closed", () => {
  const clock = new ManualClock();
  const expiry = new Expiry(clock);
  const [endless, gone, renewed] = [new FakeClient(clock), new FakeClient(clock), new FakeClient(clock)];
  const end = clock.wall() + 10_000;
  expiry.add(endless, null);
  expiry.add(gone, end);
  expiry.remove(gone, end);
  expiry.add(renewed, end);
  expiry.remove(renewed, end);
  expiry.add(renewed, end + 100_000);
  clock.advance(60_000);
  expect([endless.closedAt, gone.closedAt, renewed.closedAt]).toEqual([null, null, null]);
});

test("tokens go with the wall clock when it jumps, and with nothing else", () => {
  const clock = new ManualClock();
  const expiry = new Expiry(clock);
  const client = new FakeClient(clock);
  expiry.add(client, clock.wall() + 3_600_000);
  clock.jumpWall(-86_400_000);
  clock.advance(3_700_000);
  expect(client.closedAt).toBeNull();
  clock.jumpWall(86_400_000);
  clock.advance(1_000);
  expect(client.closedAt).not.toBeNull();
});

test("a token that only the leeway let in ends with the leeway", () => {
  expect(tokenDeadline(10_000, 5_000)).toBe(10_000);
  expect(tokenDeadline(10_000, 10_000)).toBe(40_000);
  expect(tokenDeadline(10_000, 35_000)).toBe(40_000);
  expect(tokenDeadline(null, 35_000)).toBeNull();
});
