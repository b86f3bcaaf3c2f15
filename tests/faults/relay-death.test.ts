import { expect, test } from "bun:test";
import { FAULT_TIMEOUT_MS, sized } from "./support/form.ts";
import { Stage, type StageOptions } from "./support/stage.ts";
import type { ApplicationOptions } from "./support/application.ts";
import { brief, kindsOf } from "./support/verdict.ts";

const USERS = sized(100, 500);
const RATE = sized(500, 2_000);
const DEATHS = sized(1, 3);
/** Updates between two deaths. */
const CALM_UPDATES = sized(800, 8_000);

/** Kills relays in turn under load; each one is started again before the next one dies. */
async function deaths(options: StageOptions, application: Partial<ApplicationOptions> = {}) {
  await using stage = await Stage.open(options);
  await stage.gather(USERS, application);
  const history = options.history ?? true;
  const publisher = await stage.publisher(history ? "fcall" : "plain");
  publisher.start(RATE);
  for (let death = 0; death < DEATHS; death += 1) {
    await stage.attempted(CALM_UPDATES);
    const victim = stage.relays[death % stage.relays.length];
    await stage.fault({ name: `death ${death}`, mayLose: true }, async () => {
      await victim?.kill();
      await stage.settled();
      await victim?.start();
    });
  }
  await stage.attempted(CALM_UPDATES);
  return await stage.judged();
}

test(
  `${USERS} users lose nothing, get nothing twice and keep their order when a relay is killed at ${RATE} updates a second`,
  async () => {
    expect(brief(await deaths({ name: "kill -9 of a relay" }))).toEqual([]);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "control: without offsets the same deaths lose updates silently",
  async () => {
    const violations = await deaths({ name: "control, no offsets", patienceMs: 3_000 }, { remembers: false });
    expect(kindsOf(violations)).toContain("I4 lost");
  },
  FAULT_TIMEOUT_MS,
);

test(
  "control: a client that asks for an older place than it has reached gets updates twice",
  async () => {
    const forgets = (since: string): string =>
      since.replaceAll(/\d+(?=,|$)/g, (n) => String(Math.max(0, Number(n) - 1)));
    const violations = await deaths({ name: "control, old offsets", patienceMs: 3_000 }, { forgets });
    expect(kindsOf(violations)).toContain("I3 duplicate");
  },
  FAULT_TIMEOUT_MS,
);

test(
  "without history a death loses updates only while the relay is away",
  async () => {
    const violations = await deaths({ name: "kill -9 of a relay, no history", history: false });
    expect(brief(violations)).toEqual([]);
  },
  FAULT_TIMEOUT_MS,
);
