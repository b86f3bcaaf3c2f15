import { expect, test } from "bun:test";
import { librarySource } from "../../packages/server/src/broker/redis-log/function-library.ts";
import { defaultSettings } from "../../packages/server/src/config/load.ts";
import { eventually } from "../support/eventually.ts";
import { figure, FAULT_TIMEOUT_MS, sized } from "./support/form.ts";
import type { RelayProcess } from "./support/relay-process.ts";
import { Stage } from "./support/stage.ts";
import { brief, kindsOf } from "./support/verdict.ts";

const USERS = sized(40, 200);
const RATE = sized(300, 1_000);
const ROUNDS = sized(1, 4);
const CALM_UPDATES = sized(500, 3_000);
const LEASE = "tidings:ingest";
/** What is promised is 3 s; what a busy machine may add is forgiven. */
const HAND_OVER_MS = 6_000;

/** The relay that holds the lease, as its own metric says. */
async function holder(stage: Stage): Promise<RelayProcess> {
  const { promise, resolve } = Promise.withResolvers<RelayProcess>();
  await eventually("a relay holds the lease", async () => {
    for (const relay of stage.relays) {
      const holds = await relay.metric("tidings_ingest_lease_held").catch(() => 0);
      if (holds === 1) resolve(relay);
      if (holds === 1) return true;
    }
    return false;
  });
  return promise;
}

/** Resolves once another holder than `before` has the lease. */
async function handedOver(stage: Stage, before: string): Promise<void> {
  const startedAt = performance.now();
  await eventually(
    "the lease is handed over",
    async () => {
      const now = await stage.redis.cli("GET", LEASE);
      return now !== "" && now !== before;
    },
    HAND_OVER_MS,
  );
  figure("lease", `handed over in ${Math.round(performance.now() - startedAt)} ms`);
}

type Blow = (stage: Stage, relay: RelayProcess, leaseOf: string) => Promise<void>;

const kill: Blow = async (stage, relay, before) => {
  await relay.kill();
  await handedOver(stage, before);
  await relay.start();
};

const freeze: Blow = async (stage, relay, before) => {
  relay.freeze();
  await handedOver(stage, before);
  // The other relays append meanwhile, so that what the frozen one does next is too late.
  await stage.attempted(CALM_UPDATES);
  relay.thaw();
};

async function play(name: string, blow: Blow, isForgiven = true) {
  await using stage = await Stage.open({ name, relays: 3 });
  await stage.gather(USERS);
  const publisher = await stage.publisher("plain");
  publisher.start(RATE);
  for (let round = 0; round < ROUNDS; round += 1) {
    await stage.attempted(CALM_UPDATES);
    await stage.fault({ name: `${name}, ${round}`, mayLose: isForgiven }, async () => {
      const before = await stage.redis.cli("GET", LEASE);
      await blow(stage, await holder(stage), before);
    });
  }
  await stage.attempted(CALM_UPDATES);
  // Every counter goes on once more for every user, so that each hole has an end.
  for (const target of [...stage.users, "*"]) await publisher.publish(target);
  return await stage.judged({ readsStore: true });
}

test(
  "the holder of the ingest lease is killed: every update is stored at most once, and what is lost shows in its counter",
  async () => {
    expect(brief(await play("holder killed", kill))).toEqual([]);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "the holder of the ingest lease freezes and wakes: every update is stored at most once, and what is lost shows",
  async () => {
    expect(brief(await play("holder frozen", freeze))).toEqual([]);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "control: the death of the holder does lose updates, and the judge sees them where they are not forgiven",
  async () => {
    const violations = await play("control, holder killed", kill, false);
    expect(kindsOf(violations)).toContain("I4 lost_outside_fault");
  },
  FAULT_TIMEOUT_MS,
);

/** The relays' own function library, but with a lease that everyone gets and that never runs out. */
function libraryWithoutLease(): string {
  const { history_size, history_bytes, history_ttl, max_update_bytes } = defaultSettings();
  const source = librarySource({
    updates: history_size,
    bytes: history_bytes,
    ttlMs: history_ttl,
    maxUpdateBytes: max_update_bytes,
  });
  const withoutOwner = source.replace("if holder and holder ~= args[1] then", "if false then");
  const withoutFence = withoutOwner.replace("if deadline > 0 and ms > deadline then", "if false then");
  expect(withoutOwner).not.toBe(source);
  expect(withoutFence).not.toBe(withoutOwner);
  return withoutFence;
}

test(
  "control: where everybody gets the lease all of them store, and the judge finds it",
  async () => {
    await using stage = await Stage.open({ name: "control, no lease", relays: 3 });
    await stage.gather(USERS);
    await stage.redis.cli("FUNCTION", "LOAD", "REPLACE", libraryWithoutLease());
    const publisher = await stage.publisher("plain");
    publisher.start(RATE);
    await stage.attempted(CALM_UPDATES * 4);
    for (const target of [...stage.users, "*"]) await publisher.publish(target);
    const violations = await stage.judged({ readsStore: true });
    expect(kindsOf(violations)).toContain("I3 stored_twice");
  },
  FAULT_TIMEOUT_MS,
);
