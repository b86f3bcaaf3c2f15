import { boundChanges, librarySource } from "../broker/redis-log/function-library.ts";
import { leaseKey, logKey } from "../broker/redis-log/redis-log.ts";
import { LOG_CHANNEL } from "../broker/update-log.ts";
import type { Settings } from "../config/schema.ts";
import { CONTROL_CHANNEL } from "../fleet.ts";
import { logBounds } from "../history/log-bounds.ts";
import { INGEST_CHANNEL } from "../history/ingest-word.ts";
import type { Finding } from "./doctor-finding.ts";
import { answerOf, type OperatorRedis } from "./operator-redis.ts";

/** The channels that history adds. */
export const historyChannels: readonly string[] = [LOG_CHANNEL, INGEST_CHANNEL];

/** What a relay with history says to Redis beside the rest, most of it inside of functions, with what it says it about. */
export const historyCommands: readonly (readonly string[])[] = [
  ["FCALL", "tidings_publish", "1", logKey("doctor"), ""],
  ["TIME"],
  ["INFO", "server"],
  ["GET", "tidings:lineage"],
  ["SET", "tidings:ingest", ""],
  ["DEL", "tidings:ingest"],
  ["PTTL", "tidings:ingest"],
  ["PEXPIRE", logKey("doctor"), "1"],
  ["XADD", logKey("doctor"), "1-1", "field", ""],
  ["XRANGE", logKey("doctor"), "-", "+"],
  ["XREVRANGE", logKey("doctor"), "+", "-"],
  ["XTRIM", logKey("doctor"), "MINID", "1"],
  ["HSET", "tidings:{doctor}:ids:1", "field", ""],
  ["HMGET", "tidings:{doctor}:ids:1", "field"],
];

/** What grants all of that, and the loading of the library. */
export const historyGrants: readonly string[] = [
  ...new Set(historyCommands.map(([name = ""]) => `+${name.toLowerCase()}`)),
  "'+function|load'",
  "'~tidings:*'",
];

/** Whether Redis has the function library of these settings, or the relay can put it there. */
export async function libraryFinding(redis: OperatorRedis, settings: Settings): Promise<Finding> {
  const check = "history library";
  const answer = await redis.send("FCALL", "tidings_version", "0").then(
    (version) => ({ version: String(version), refusal: "" }),
    (error: unknown) => ({ version: null, refusal: error instanceof Error ? error.message : String(error) }),
  );
  const { version, refusal } = answer;
  if (version === null && !refusal.includes("Function not found")) {
    const mend = "see the permissions above; history needs Redis 7 or Valkey 7.2, and FCALL";
    return { check, level: "fail", says: `Redis refuses it: ${refusal}`, mend };
  }
  const own = /^local VERSION = '(.+)'$/m.exec(librarySource(logBounds(settings)))?.[1] ?? "";
  if (version === own)
    return { check, level: "ok", says: `version ${numberOf(version)} is loaded, with these bounds` };
  if (version !== null && numberOf(version) > numberOf(own)) {
    return { check, level: "ok", says: `version ${numberOf(version)} of a newer relay is loaded, and stays` };
  }
  const changes = version === null ? null : boundChanges(version, logBounds(settings));
  if (changes !== null && (await countOf(redis, LOG_CHANNEL)) > 0) {
    return {
      check,
      level: "warn",
      says: `relays run whose bounds differ: ${changes}`,
      mend: "give all relays the same bounds: each that connects replaces those of the others",
    };
  }
  const difference =
    changes === null ? "it is an older one" : `it has other bounds than these settings: ${changes}`;
  const says = version === null ? "it is not loaded" : difference;
  const user = await answerOf(redis.send("ACL", "WHOAMI"));
  const mayLoad = await answerOf(redis.send("ACL", "DRYRUN", user ?? "", "FUNCTION", "LOAD", ""));
  if (user !== null && mayLoad !== null && mayLoad !== "OK") {
    const mend =
      "tidings library | redis-cli -x FUNCTION LOAD REPLACE, as a user who may; or grant '+function|load'";
    return { check, level: "fail", says: `${says}, and this user may not load it`, mend };
  }
  return { check, level: "ok", says: `${says}; a relay loads it when it starts` };
}

/** Whether the relays that run agree on history, and share these logs with none that should not. */
export async function historyFleetFindings(
  redis: OperatorRedis,
  settings: Settings,
): Promise<readonly Finding[]> {
  return [...(await agreementFindings(redis)), ...(await sharingFindings(redis, settings))];
}

async function agreementFindings(redis: OperatorRedis): Promise<readonly Finding[]> {
  const check = "history relays";
  const relays = await countOf(redis, CONTROL_CHANNEL);
  const keeping = await countOf(redis, LOG_CHANNEL);
  if (relays === 0) return [];
  if (keeping >= relays) return [{ check, level: "ok", says: `all ${relays} that run have history` }];
  return [
    {
      check,
      level: "warn",
      says: `${relays - keeping} of ${relays} that run have no history, and deliver nothing that FCALL or another relay's POST stores`,
      mend: "set TIDINGS_HISTORY=true on every relay before workers use FCALL or POST",
    },
  ];
}

/** Most steps of a walk through all keys, of a thousand each: this looks for a mistake, and may miss it. */
const MOST_STEPS = 50;

async function sharingFindings(redis: OperatorRedis, settings: Settings): Promise<readonly Finding[]> {
  const own = leaseKey(settings.channel);
  const found = new Set<string>();
  let cursor = "0";
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const words = ["SCAN", cursor, "MATCH", "tidings:ingest*", "COUNT", "1000"];
    const [next = "0", ...keys] = (await answerOf(redis.send(...words)))?.split(",") ?? [];
    for (const key of keys) if (key !== "" && key !== own) found.add(key);
    cursor = next;
    if (cursor === "0") break;
  }
  if (found.size === 0) return [];
  return [
    {
      check: "history sharing",
      level: "warn",
      says: `relays of another TIDINGS_CHANNEL keep their logs in this database (${[...found].join(", ")}): a user of both gets the updates of both`,
      mend: "give each environment a Redis of its own",
    },
  ];
}

/** How many listen on a channel; 0 where Redis does not say. */
async function countOf(redis: OperatorRedis, channel: string): Promise<number> {
  return Number((await answerOf(redis.send("PUBSUB", "NUMSUB", channel)))?.split(",").at(-1) ?? 0);
}

function numberOf(version: string): number {
  return Number.parseInt(version, 10);
}
