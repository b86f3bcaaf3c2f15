import { describe, expect, test } from "bun:test";
import { EmbeddedBroker } from "./broker/embedded/embedded-broker.ts";
import { ChannelRegistry } from "./broker/embedded/channels.ts";
import { systemClock } from "./clock.ts";
import { CONTROL_CHANNEL, Fleet, FleetIncomplete } from "./fleet.ts";

/** Relays on one broker, each with so many connections of every user. */
function fleets(...counts: readonly number[]): {
  fleets: Fleet[];
  brokers: EmbeddedBroker[];
  unknown: () => number;
} {
  const channels = new ChannelRegistry();
  let unknown = 0;
  const brokers: EmbeddedBroker[] = [];
  const made = counts.map((count, index) => {
    const fleet = new Fleet({
      relayId: `relay-${index}`,
      clock: systemClock,
      random: Math.random,
      timeoutMs: 200,
      local: { count: () => count, disconnect: () => count, revoke: async () => count },
      onUnknown: () => (unknown += 1),
    });
    const broker = new EmbeddedBroker({ subscriptions: fleet.subscriptions, clock: systemClock, channels });
    fleet.connect(broker);
    broker.start();
    brokers.push(broker);
    return fleet;
  });
  return { fleets: made, brokers, unknown: () => unknown };
}

describe("a fleet", () => {
  test("adds up what every relay says, for many questions at once", async () => {
    const { fleets: all } = fleets(1, 2, 4);
    const answers = await Promise.all(
      all.flatMap((fleet) => [fleet.count("alice"), fleet.disconnect("bob")]),
    );
    for (const answer of answers) expect(answer).toEqual({ connections: 7, relays: 3 });
  });

  test("says that the sum is not known where a relay does not answer", async () => {
    const { fleets: all, brokers } = fleets(1, 2);
    const mute = new EmbeddedBroker({
      subscriptions: new Map([[CONTROL_CHANNEL, () => {}]]),
      clock: systemClock,
      channels: brokers[0]?.channels ?? new ChannelRegistry(),
    });
    mute.start();
    const failure = await all[0]?.count("alice").catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FleetIncomplete);
    expect(failure).toMatchObject({ answered: 2, expected: 3 });
  });

  test("passes over messages it does not understand", async () => {
    const { fleets: all, brokers, unknown } = fleets(1);
    for (const data of ["hello", "[]", "{}", '{"verb":"explode"}', '{"verb":"count","user_id":7}']) {
      await brokers[0]?.publish([{ channel: CONTROL_CHANNEL, data }]);
    }
    expect(unknown()).toBe(5);
    expect(await all[0]?.count("alice")).toEqual({ connections: 1, relays: 1 });
  });
});
