import { expect, test } from "bun:test";
import fc from "fast-check";
import { type IngestRelay, MemoryFleet, settle } from "./ingest-test-support.ts";

const RUNS = Number(process.env["PROPERTY_RUNS"] ?? 200);

/** 0 and 1 stand for a relay that believes to hold, so that what befalls it is not rare. */
const which = fc.nat(4);
const peaceful = [
  fc.record({ do: fc.constant("publish" as const), count: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ do: fc.constant("yield" as const), which }),
  fc.record({ do: fc.constant("start" as const) }),
  fc.record({ do: fc.constant("turn" as const) }),
  fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 1_500 }) }),
];
const hostile = [
  fc.record({ do: fc.constant("publish" as const), count: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ do: fc.constantFrom("freeze" as const, "lag", "stall", "cut", "kill"), which }),
  fc.record({ do: fc.constantFrom("keepUp" as const, "flow", "mend"), which: fc.constant(null) }),
  fc.record({ do: fc.constant("lie" as const), verb: fc.constantFrom("holding", "joining", "released") }),
  fc.record({ do: fc.constant("thaw" as const), which: fc.constant(null), asPaused: fc.boolean() }),
  fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
];
type Step = (typeof peaceful)[number] | (typeof hostile)[number] extends fc.Arbitrary<infer T> ? T : never;

/** The relays that a step is about. */
function chosen({ relays }: MemoryFleet, which: number | null): readonly IngestRelay[] {
  if (which === null) return relays;
  const living = relays.filter((relay) => !relay.isDead);
  const holder = living.find((relay) => relay.ingest.isHolder);
  const relay = which < 2 && holder !== undefined ? holder : living.at(-which);
  return relay === undefined ? [] : [relay];
}

async function play(fleet: MemoryFleet, steps: readonly Step[]): Promise<void> {
  const leaving = new Set<IngestRelay>();
  for (const step of steps) {
    const relays = "which" in step ? chosen(fleet, step.which) : [];
    const [relay] = relays;
    switch (step.do) {
      case "publish":
        fleet.publish(step.count);
        break;
      case "start":
        await fleet.start();
        break;
      case "turn":
        await new Promise<void>((resolve) => void setImmediate(resolve));
        break;
      case "pass":
        await fleet.pass(step.ms);
        break;
      case "yield": {
        const stays = fleet.relays.filter((other) => other !== relay && !leaving.has(other));
        if (relay === undefined || stays.length === 0) break;
        leaving.add(relay);
        relay.leave();
        break;
      }
      case "lie":
        fleet.say("tidings:ingest", { verb: step.verb, claim: 1, relay_id: "ghost", scope: "0/updates" });
        break;
      case "thaw":
        for (const relay of relays) relay.thaw(step.asPaused);
        break;
      case "kill":
        await relay?.kill();
        break;
      case "freeze":
      case "lag":
      case "stall":
      case "cut":
      case "keepUp":
      case "flow":
      case "mend":
        for (const relay of relays) relay[step.do]();
    }
  }
}

test("whatever befalls relays, each update is stored at most once and in order, and they find a holder again", async () => {
  const steps = fc.array(fc.oneof(...peaceful, ...hostile), { minLength: 5, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const fleet = new MemoryFleet();
      for (let count = 0; count < 3; count += 1) await fleet.start();
      await play(fleet, steps);
      for (const relay of fleet.relays) {
        relay.thaw();
        relay.keepUp();
        relay.mend();
        relay.flow();
      }
      await fleet.start();
      // One that has just left may hold the lease until its time runs out.
      await fleet.pass(5_000);
      expect(fleet.holder).not.toBeNull();
      fleet.publish(3);
      await settle();
      const stored = await fleet.stored();
      expect(stored.every((number, index) => index === 0 || number > (stored[index - 1] ?? 0))).toBe(true);
      expect(stored.slice(-3)).toEqual([fleet.published - 2, fleet.published - 1, fleet.published]);
    }),
    { numRuns: RUNS },
  );
}, 600_000);

test("relays that only come and leave store each update once and in order", async () => {
  const steps = fc.array(fc.oneof(...peaceful), { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const fleet = new MemoryFleet();
      for (let count = 0; count < 3; count += 1) await fleet.start();
      await play(fleet, steps);
      await fleet.pass(3_000);
      expect(await fleet.stored()).toEqual(Array.from({ length: fleet.published }, (_, index) => index + 1));
      expect(fleet.relays.flatMap(({ losses }) => losses)).toEqual([]);
    }),
    { numRuns: RUNS },
  );
}, 600_000);
