import { expect, test } from "bun:test";
import { figure, type Random } from "./support/form.ts";
import { Stage } from "./support/stage.ts";
import { brief } from "./support/verdict.ts";

/** `npm run test:soak` sets this; the short form is long enough for a few faults. */
const MINUTES = Number(process.env["TIDINGS_SOAK_MINUTES"] ?? 0.4);
const USERS = 60;
const RATE = 150;
const CALM_MS = 4_000;
const FLAT_RATIO = 1.25;

const AOF = ["--appendonly", "yes", "--appendfsync", "everysec"];

/** The last relay is never killed, so that its memory tells of the whole run. */
const mortal = ({ relays, random }: Stage) => relays[Math.floor(random() * (relays.length - 1))];
const any = ({ relays, random }: Stage) => relays[Math.floor(random() * relays.length)];

const faults: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  async "a relay is killed"(stage) {
    const relay = mortal(stage);
    await relay?.kill();
    await Bun.sleep(1_000 * stage.random());
    await relay?.start();
  },
  async "a relay leaves and comes back"(stage) {
    const relay = mortal(stage);
    await relay?.leave();
    await relay?.start();
  },
  async "a relay freezes"(stage) {
    const relay = any(stage);
    relay?.freeze();
    await Bun.sleep(500 + 3_500 * stage.random());
    relay?.thaw();
  },
  async "Redis is killed and restarted"(stage) {
    await stage.redis.kill("SIGKILL");
    await Bun.sleep(1_000 * stage.random());
    await stage.redis.restart();
  },
  async "Redis hangs"(stage) {
    await stage.redis.kill("SIGSTOP");
    await Bun.sleep(500 + 4_000 * stage.random());
    await stage.redis.kill("SIGCONT");
  },
  "every subscription is cut": (stage) => stage.cutSubscriptions(),
  async "Redis is emptied"(stage) {
    await stage.redis.cli("FLUSHALL");
  },
  async "a third of the clients is cut"(stage) {
    for (const application of stage.applications) if (stage.random() < 1 / 3) application.cut();
    await stage.settled();
  },
  async "a log is deleted"(stage) {
    const user = stage.users[Math.floor(stage.random() * stage.users.length)];
    await stage.redis.cli("DEL", `tidings:{${user}}:log`);
  },
};

/** All faults in a new order, so that each one comes as often as another. */
function shuffled(random: Random): [string, (stage: Stage) => Promise<void>][] {
  const rest = Object.entries(faults);
  return rest.flatMap(() => rest.splice(Math.floor(random() * rest.length), 1));
}

test(
  `${MINUTES} minutes of faults by chance break no promise, and memory stays flat`,
  async () => {
    await using stage = await Stage.open({ name: "soak", relays: 3, redisArgs: AOF });
    await stage.gather(USERS);
    for (const path of ["fcall", "http", "plain"] as const) {
      const publisher = await stage.publisher(path);
      publisher.start(RATE / 3);
    }
    const endsAt = performance.now() + MINUTES * 60_000;
    let made = 0;
    while (performance.now() < endsAt) {
      for (const [name, make] of shuffled(stage.random)) {
        if (performance.now() > endsAt) break;
        await Bun.sleep(CALM_MS * stage.random());
        await stage.fault({ name, mayLose: true }, () => make(stage));
        made += 1;
      }
    }
    figure("soak", `${made} faults`);
    const witness = stage.relays.slice(-1);
    const violations = await stage.judged({ counted: witness, flatRatio: MINUTES >= 5 ? FLAT_RATIO : null });
    expect(brief(violations)).toEqual([]);
  },
  (MINUTES + 3) * 60_000,
);
