import { randomUUID } from "node:crypto";
import { REVOCATIONS_KEY } from "../auth/revocations.ts";
import { systemClock } from "../clock.ts";
import type { Settings } from "../config/schema.ts";
import { CONTROL_CHANNEL } from "../fleet.ts";
import type { Finding } from "./doctor-finding.ts";
import {
  historyChannels,
  historyCommands,
  historyFleetFindings,
  historyGrants,
  libraryFinding,
} from "./doctor-history.ts";
import { storageFindings } from "./doctor-storage.ts";
import { CommandFailure } from "./failure.ts";
import { answerOf, type OperatorRedis, openRedis, redisUrlOf } from "./operator-redis.ts";

/** The oldest Redis this is tested with. */
const OLDEST_MAJOR = 7;

/** Tokens have a leeway of 30 s; a clock that is off by a tenth of it deserves a look. */
const CLOCK_TOLERANCE_MS = 3_000;

/** A round trip above this is felt by the people who wait. */
const SLOW_ECHO_MS = 50;

/** How long an echo may take at all, in milliseconds. */
const ECHO_TIMEOUT_MS = 5_000;

/** Whether the Redis of the settings is one that a relay can work with. */
export async function redisFindings(settings: Settings): Promise<readonly Finding[]> {
  try {
    const url = await redisUrlOf(settings);
    using redis = await openRedis(url);
    const reached: Finding = { check: "redis", level: "ok", says: `${redis.shownUrl} answers` };
    const history = settings.history
      ? [
          await libraryFinding(redis, settings),
          ...(await historyFleetFindings(redis, settings)),
          ...(await storageFindings(redis)),
        ]
      : [];
    return [
      reached,
      ...(await roleFindings(redis)),
      await versionFinding(redis),
      await permissionFinding(redis, neededRights(settings)),
      ...(await ticketFindings(redis)),
      ...history,
      await clockFinding(redis),
      await echoFinding(url),
    ];
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    const mend =
      "start it, or correct TIDINGS_REDIS_URL; redis-cli -u <url> ping shows the same from a shell";
    return [{ check: "redis", level: "fail", says: error.message, mend }];
  }
}

/** What is wrong with a server that takes no writes; nothing for one that does or does not tell. */
async function roleFindings(redis: OperatorRedis): Promise<readonly Finding[]> {
  const hello: unknown = await redis.send("HELLO", "3").catch(() => null);
  const role = typeof hello === "object" && hello !== null && "role" in hello ? String(hello.role) : "master";
  if (role === "master") return [];
  const says = `it is a ${role}: a relay needs the primary, which takes writes`;
  const mend = "name the primary in TIDINGS_REDIS_URL, or all Sentinels in TIDINGS_REDIS_SENTINELS";
  return [{ check: "redis role", level: "fail", says, mend }];
}

/** What a relay says to Redis about revoked tokens. */
const revocationCommands: readonly (readonly string[])[] = [
  ["ZSCAN", REVOCATIONS_KEY, "0"],
  ["ZADD", REVOCATIONS_KEY, "1", "text"],
  ["ZREMRANGEBYSCORE", REVOCATIONS_KEY, "-inf", "0"],
  ["ZREMRANGEBYRANK", REVOCATIONS_KEY, "0", "-100"],
  ["PEXPIRE", REVOCATIONS_KEY, "1"],
];

const revocationGrants: readonly string[] = [
  ...revocationCommands.map(([name = ""]) => `+${name.toLowerCase()}`),
  `'~${REVOCATIONS_KEY}'`,
];

/** What the user of a relay must be allowed. */
interface NeededRights {
  /** Every channel a relay subscribes to and publishes on; `doctor` stands for the relay's own id. */
  readonly channels: readonly string[];
  /** What it says to Redis beside that. */
  readonly commands: readonly (readonly string[])[];
  /** What grants the commands, as words of `ACL SETUSER`. */
  readonly grants: readonly string[];
}

function neededRights({ channel, inbound_channel: inbound, history }: Settings): NeededRights {
  const own = [channel, inbound, CONTROL_CHANNEL, "tidings:reply:doctor", "tidings:probe:doctor"];
  return {
    channels: history ? [...own, ...historyChannels] : own,
    commands: [
      ["MULTI"],
      ["EXEC"],
      ["PUBSUB", "NUMSUB"],
      ...revocationCommands,
      ...(history ? historyCommands : []),
    ],
    grants: ["+multi", "+exec", "'+pubsub|numsub'", ...revocationGrants, ...(history ? historyGrants : [])],
  };
}

async function versionFinding(redis: OperatorRedis): Promise<Finding> {
  const check = "redis version";
  const mend = `use Redis ${OLDEST_MAJOR}, Valkey 7.2, or newer`;
  const info = await answerOf(redis.send("INFO", "server"));
  if (info === null)
    return { check, level: "warn", says: "INFO is not permitted", mend: `${mend}, or allow +info to see` };
  const found = /^(?:valkey|redis)_version:(\d+)(\S*)/m.exec(info);
  if (found === null) return { check, level: "warn", says: "it does not tell its version", mend };
  const [, major = "", rest = ""] = found;
  const level = Number(major) >= OLDEST_MAJOR ? "ok" : "fail";
  return { check, level, says: `it is ${major}${rest}`, ...(level === "ok" ? {} : { mend }) };
}

async function permissionFinding(redis: OperatorRedis, rights: NeededRights): Promise<Finding> {
  const check = "redis permissions";
  const user = await answerOf(redis.send("ACL", "WHOAMI"));
  const refused: string[] = [];
  for (const { says, words } of neededCommands(rights)) {
    const answer = user === null ? null : await answerOf(redis.send("ACL", "DRYRUN", user, ...words));
    if (answer === null) return subscribingFinding(check, rights, redis);
    if (answer !== "OK") refused.push(says);
  }
  if (refused.length === 0)
    return { check, level: "ok", says: "it may do what the relay does, on every channel of the relay" };
  return {
    check,
    level: "fail",
    says: `not permitted: ${refused.join(", ")}`,
    mend: aclMend(rights, user ?? "<user>"),
  };
}

/** Only those who hand out tickets need to claim them, so that lack is no fault of every relay. */
async function ticketFindings(redis: OperatorRedis): Promise<readonly Finding[]> {
  const user = await answerOf(redis.send("ACL", "WHOAMI"));
  const key = "tidings:ticket:doctor";
  const answer = await answerOf(redis.send("ACL", "DRYRUN", user ?? "", "SET", key, "1", "NX", "PX", "1"));
  if (user === null || answer === null || answer === "OK") return [];
  return [
    {
      check: "ticket permissions",
      level: "warn",
      says: `not permitted: SET on ${key}; a relay refuses every ticket (token with single_use)`,
      mend: `where you use tickets: redis-cli ACL SETUSER ${user} +set '~tidings:ticket:*'`,
    },
  ];
}

/** What the relay says to Redis, and how to name it where it is refused. */
function neededCommands({
  channels,
  commands,
}: NeededRights): readonly { readonly says: string; readonly words: readonly string[] }[] {
  return [
    ...channels.flatMap((channel) => [
      { says: `SUBSCRIBE ${channel}`, words: ["SUBSCRIBE", channel] },
      { says: `PUBLISH ${channel}`, words: ["PUBLISH", channel, ""] },
    ]),
    ...commands.map((words) => ({ says: namedCommand(words), words })),
  ];
}

/** The command as people grant it: with its subcommand, and with the key that it is about. */
function namedCommand([name = "", ...rest]: readonly string[]): string {
  if (name === "PUBSUB") return `${name} ${rest[0]}`;
  const key = rest.find((word) => word.startsWith("tidings:"));
  return key === undefined ? name : `${name} on ${key}`;
}

/**
 * Where ACL DRYRUN cannot be asked, subscribing is tried; publishing is not, since workers and relays would
 * hear it.
 */
async function subscribingFinding(
  check: string,
  rights: NeededRights,
  redis: OperatorRedis,
): Promise<Finding> {
  for (const channel of rights.channels) {
    try {
      await redis.subscribe(channel, () => {});
    } catch {
      return {
        check,
        level: "fail",
        says: `not permitted: SUBSCRIBE ${channel}`,
        mend: aclMend(rights, "<user>"),
      };
    }
  }
  const says = "it may subscribe; whether it may publish cannot be asked (ACL DRYRUN is not permitted)";
  return { check, level: "ok", says };
}

function aclMend({ channels, grants }: NeededRights, user: string): string {
  const own = channels.filter((channel) => !channel.startsWith("tidings:")).map((channel) => `'&${channel}'`);
  return `redis-cli ACL SETUSER ${user} ${["+subscribe", "+publish", ...grants, ...own, "'&tidings:*'"].join(" ")}`;
}

async function clockFinding(redis: OperatorRedis): Promise<Finding> {
  const check = "clock";
  const before = systemClock.wall();
  const time = await redis.send("TIME").catch(() => null);
  if (!Array.isArray(time)) return { check, level: "ok", says: "Redis does not tell its time" };
  // Redis read its clock somewhere between sending and receiving.
  const here = (before + systemClock.wall()) / 2;
  const away = Math.round(here - (Number(time[0]) * 1_000 + Number(time[1]) / 1_000));
  const says = `${Math.abs(away)} ms ${away < 0 ? "behind" : "ahead of"} Redis`;
  if (Math.abs(away) <= CLOCK_TOLERANCE_MS) return { check, level: "ok", says };
  return { check, level: "warn", says, mend: "synchronise both machines: timedatectl set-ntp true" };
}

/** One message through publish and subscription, on two connections as the relay has them. */
async function echoFinding(url: string): Promise<Finding> {
  const check = "echo";
  const channel = `tidings:probe:doctor-${randomUUID()}`;
  try {
    using listening = await openRedis(url);
    using publishing = await openRedis(url);
    const heard = Promise.withResolvers<void>();
    await listening.subscribe(channel, () => heard.resolve());
    const before = systemClock.monotonic();
    await publishing.send("PUBLISH", channel, "echo");
    const cancel = systemClock.after(ECHO_TIMEOUT_MS, () =>
      heard.reject(new CommandFailure("it never came back")),
    );
    await heard.promise.finally(cancel);
    const took = systemClock.monotonic() - before;
    const says = `a message is back after ${took.toFixed(1)} ms`;
    if (took <= SLOW_ECHO_MS) return { check, level: "ok", says };
    return {
      check,
      level: "warn",
      says,
      mend: "move the relay nearer to Redis, or look at redis-cli --latency",
    };
  } catch {
    const mend = "look at the permissions above; behind a proxy or cluster, connect to the node itself";
    return { check, level: "fail", says: "a published message does not come back", mend };
  }
}
