import { librarySource } from "../broker/redis-log/function-library.ts";
import { logKey } from "../broker/redis-log/redis-log.ts";
import { LOG_CHANNEL } from "../broker/update-log.ts";
import type { Settings } from "../config/schema.ts";
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
  const says =
    version === null ? "it is not loaded" : "it is an older one, or has other bounds than these settings";
  const user = await answerOf(redis.send("ACL", "WHOAMI"));
  const mayLoad = await answerOf(redis.send("ACL", "DRYRUN", user ?? "", "FUNCTION", "LOAD", ""));
  if (user !== null && mayLoad !== null && mayLoad !== "OK") {
    const mend =
      "tidings library | redis-cli -x FUNCTION LOAD REPLACE, as a user who may; or grant '+function|load'";
    return { check, level: "fail", says: `${says}, and this user may not load it`, mend };
  }
  return { check, level: "ok", says: `${says}; a relay loads it when it starts` };
}

function numberOf(version: string): number {
  return Number.parseInt(version, 10);
}
