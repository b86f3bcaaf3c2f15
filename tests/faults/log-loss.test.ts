import { expect, test } from "bun:test";
import type { StandingEvent } from "./judge/evidence.ts";
import { judge } from "./judge/judge.ts";
import { FAULT_TIMEOUT_MS, sized } from "./support/form.ts";
import { Stage } from "./support/stage.ts";
import type { Application } from "./support/application.ts";
import { eventually } from "../support/eventually.ts";
import { brief, kindsOf } from "./support/verdict.ts";

const USERS = sized(10, 50);
/** Updates for each user before and after the loss. */
const UPDATES = 20;
const SIZE = "50";

async function publishToAll(stage: Stage, updates: number): Promise<void> {
  const publisher = await stage.publisher("fcall", { name: `fcall-${stage.publishers.length}` });
  for (let round = 0; round < updates; round += 1) {
    await Promise.all(stage.users.map((user) => publisher.publish(user)));
  }
}

/** What the last welcome of an application said. */
function lastAnswer({ log }: Application): StandingEvent | undefined {
  return log.connections.flatMap(({ events }) => events).findLast((event) => event.kind === "standing");
}

/** Cuts everybody, has `damage` done while nobody listens, and resolves when all are back. */
async function whileAway(stage: Stage, damage: () => Promise<void>): Promise<void> {
  for (const relay of stage.relays) await relay.kill();
  await damage();
  for (const relay of stage.relays) await relay.start();
  await stage.settled();
}

const damages = [
  {
    name: "the log is trimmed below the client's offset by hand",
    reason: "trimmed",
    async damage(stage: Stage) {
      await publishToAll(stage, UPDATES);
      for (const user of stage.users) await stage.redis.cli("XTRIM", key(user), "MAXLEN", "5");
    },
  },
  {
    name: "the log is trimmed by its own bound",
    reason: "trimmed",
    damage: (stage: Stage) => publishToAll(stage, 80),
  },
  {
    name: "the log's key is deleted",
    reason: "epoch_changed",
    async damage(stage: Stage) {
      await stage.redis.cli("DEL", ...stage.users.map(key));
    },
  },
  {
    name: "the log's key is deleted and written anew",
    reason: "epoch_changed",
    async damage(stage: Stage) {
      await stage.redis.cli("DEL", ...stage.users.map(key));
      await publishToAll(stage, 2 * UPDATES);
    },
  },
  {
    name: "Redis is flushed",
    reason: "epoch_changed",
    async damage(stage: Stage) {
      await stage.redis.cli("FLUSHALL");
    },
  },
] as const;

function key(user: string): string {
  return `tidings:{${user}}:log`;
}

for (const { name, reason, damage } of damages) {
  test(
    `a client is told of the loss when ${name} while it is away`,
    async () => {
      await using stage = await Stage.open({
        name,
        relays: 1,
        settings: { TIDINGS_HISTORY_SIZE: SIZE },
      });
      await stage.gather(USERS);
      await publishToAll(stage, UPDATES);
      await whileAway(stage, () => damage(stage));
      for (const application of stage.applications) {
        expect(lastAnswer(application)).toMatchObject({ recovered: false, reason });
      }
      await publishToAll(stage, UPDATES);
      expect(brief(await stage.judged())).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );

  test(
    `a client is told of the loss when ${name} while it is connected`,
    async () => {
      await using stage = await Stage.open({
        name: `${name}, connected`,
        relays: 1,
        settings: { TIDINGS_HISTORY_SIZE: SIZE },
      });
      await stage.gather(USERS);
      await publishToAll(stage, UPDATES);
      await damage(stage);
      await publishToAll(stage, UPDATES);
      expect(brief(await stage.judged())).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );
}

const claims = [
  { name: "from the future", since: (own: string) => own.replace(/\.\d+/, ".99999"), reason: "ahead" },
  { name: "of another epoch", since: () => "0000000000.1", reason: "epoch_changed" },
  { name: "that is malformed", since: () => "$", reason: "malformed" },
  { name: "that is malformed as Redis would understand it", since: () => "+", reason: "malformed" },
  { name: "of a megabyte", since: () => "e".repeat(10_000), reason: "malformed" },
  { name: "that is negative", since: () => "e.-1", reason: "malformed" },
  { name: "that is beyond all numbers", since: () => "e.1e400", reason: "malformed" },
] as const;

test(
  "since from the future, of another user, of another epoch or malformed is answered by its reason and never believed",
  async () => {
    await using stage = await Stage.open({ name: "since that is wrong", relays: 1 });
    await stage.gather(2);
    await publishToAll(stage, UPDATES);
    const [alice, bob] = stage.applications;
    await eventually("offsets are known", () =>
      [alice, bob].every((each) => each?.since?.includes(".") === true),
    );
    const own = alice?.since?.split(",")[0] ?? "";
    const foreign = bob?.since?.split(",")[0] ?? "";
    const askers = [
      ...claims,
      { name: "of another user", since: () => foreign, reason: "epoch_changed" },
    ].map(({ since, reason }) => ({ reason, application: stage.enter("user-0", { since: since(own) }) }));
    await stage.settled();
    for (const { application, reason } of askers) {
      expect(lastAnswer(application)).toMatchObject({ recovered: false, following: 0, reason });
    }
    await publishToAll(stage, UPDATES);
    expect(brief(await stage.judged())).toEqual([]);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "control: a log written anew by hand under the old epoch resumes with a hole, and the judge finds it",
  async () => {
    await using stage = await Stage.open({ name: "control, forged log", relays: 1 });
    await stage.gather(USERS);
    await publishToAll(stage, UPDATES);
    await whileAway(stage, async () => {
      await publishToAll(stage, UPDATES);
      for (const user of stage.users) await forge(stage, user);
    });
    await publishToAll(stage, UPDATES);
    const evidence = await stage.evidence();
    expect(kindsOf(judge(evidence))).toContain("I4 lost");
  },
  FAULT_TIMEOUT_MS,
);

/** Renames the epoch-bearing entries away: each update of the last round gets the content of the one before it. */
async function forge(stage: Stage, user: string): Promise<void> {
  const script = `
    local entries = redis.call('XRANGE', KEYS[1], '-', '+')
    redis.call('DEL', KEYS[1])
    local frame
    for _, entry in ipairs(entries) do
      local fields = entry[2]
      local number = tonumber(string.match(entry[1], '^%d+'))
      if number > ${UPDATES + 5} then fields[2] = frame end
      frame = fields[2]
      redis.call('XADD', KEYS[1], entry[1], unpack(fields))
    end`;
  await stage.redis.cli("EVAL", script, "1", key(user));
}
