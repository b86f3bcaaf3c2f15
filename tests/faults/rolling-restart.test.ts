import { expect, test } from "bun:test";
import { FAULT_TIMEOUT_MS, sized } from "./support/form.ts";
import { Stage } from "./support/stage.ts";
import { brief, kindsOf } from "./support/verdict.ts";

const USERS = sized(60, 300);
const RATE = sized(300, 1_000);
const ROUNDS = sized(1, 3);
const CALM_UPDATES = sized(300, 2_000);

async function restarts(name: string, remembers: boolean) {
  await using stage = await Stage.open({ name, relays: 3, patienceMs: remembers ? 25_000 : 3_000 });
  await stage.gather(USERS, { remembers });
  const publisher = await stage.publisher("plain");
  publisher.start(RATE);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const relay of stage.relays) {
      await stage.attempted(CALM_UPDATES);
      await stage.fault({ name: `${relay.name} restarts` }, async () => {
        await relay.leave();
        await relay.start();
      });
    }
  }
  await stage.attempted(CALM_UPDATES);
  await stage.settled();
  return await stage.judged({ readsStore: true });
}

test(
  "relays that are restarted in turn lose nothing, also of plain PUBLISH",
  async () => {
    expect(brief(await restarts("rolling restart", true))).toEqual([]);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "control: clients without offsets lose updates in a rolling restart",
  async () => {
    expect(kindsOf(await restarts("control, rolling restart", false))).toContain("I4 lost");
  },
  FAULT_TIMEOUT_MS,
);
