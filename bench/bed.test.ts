import { expect, test } from "bun:test";
import { Bed } from "./bed.ts";
import { buildGenerator } from "./generator/build.ts";
import { floor } from "./systems/floor/system.ts";
import { installSystem } from "./systems/run-system.ts";
import { runStream } from "./workloads/stream.ts";

const generator = await buildGenerator();
await installSystem(floor);

/** What has to be true of a run also where the machine is so busy that it counts for nothing. */
async function streamed(audience: "user" | "everyone", payloadBytes: number, rate: number): Promise<void> {
  await using bed = await Bed.start({ system: floor, generator, audience, payloadBytes });
  await bed.fill(50);
  const users = audience === "everyone" ? 1 : 50;
  const fanout = audience === "everyone" ? 50 : 1;
  const outcome = await runStream(bed, { firstUser: 1, users, rate, fanout }, 0.5);
  const received = await bed.generator.report();
  expect(received).toMatchObject({
    frames: rate * 0.5 * fanout,
    missing: 0,
    notRising: 0,
    wrongUser: 0,
    wrongBytes: 0,
    closed: 0,
  });
  if (outcome.isVoid) return;
  expect(outcome.fault).toBeNull();
  expect(outcome.figures["load"]).toBeGreaterThan(0);
}

test("the control brings every update to its user, byte by byte", async () => {
  await streamed("user", 100, 2_000);
});

test("the control brings broadcasts to everyone", async () => {
  await streamed("everyone", 1_024, 100);
});

test("updates larger than what one read brings are put together and compared", async () => {
  await streamed("user", 65_536, 100);
});

test("connections are opened up to a number, and not beyond it", async () => {
  await using bed = await Bed.start({ system: floor, generator });
  await bed.fill(10);
  await bed.fill(30);
  expect((await bed.generator.count()).open).toBe(30);
});
