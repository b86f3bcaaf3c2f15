import type { Finding } from "./doctor-finding.ts";
import { answerOf, type OperatorRedis } from "./operator-redis.ts";

/** How Redis keeps what history puts into it, as far as the user may see; nothing where `INFO` is not permitted. */
export async function storageFindings(redis: OperatorRedis): Promise<readonly Finding[]> {
  const sections = ["memory", "persistence", "replication"].map((name) => answerOf(redis.send("INFO", name)));
  const info = (await Promise.all(sections)).join("\n");
  if (!info.includes("maxmemory_policy:")) return [];
  return [memoryFinding(info), await persistenceFinding(info, redis), ...replicaFindings(info)];
}

function memoryFinding(info: string): Finding {
  const check = "history memory";
  const policy = field(info, "maxmemory_policy");
  if (field(info, "maxmemory") === "0") return { check, level: "ok", says: "Redis has no maxmemory" };
  if (policy === "noeviction")
    return { check, level: "ok", says: "a Redis that is full refuses, and evicts nothing" };
  return {
    check,
    level: "fail",
    says: `maxmemory-policy ${policy} lets Redis throw away whole logs: their users are told of a gap instead of resuming`,
    mend: "redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf",
  };
}

async function persistenceFinding(info: string, redis: OperatorRedis): Promise<Finding> {
  const check = "history persistence";
  if (field(info, "aof_enabled") !== "1") {
    return {
      check,
      level: "warn",
      says: "appendonly is off: a restart of Redis loses what the logs hold, and every client is told of a gap",
      mend: "redis-cli CONFIG SET appendonly yes, and the same in redis.conf",
    };
  }
  // A map in RESP 3, which as JSON reads like the list that older servers answer with.
  const answer = JSON.stringify(await redis.send("CONFIG", "GET", "appendfsync").catch(() => null));
  const [, mode] = /"appendfsync"[:,]"(\w+)"/.exec(answer) ?? [];
  if (mode === undefined) return { check, level: "ok", says: "appendonly is on" };
  if (mode !== "no") return { check, level: "ok", says: `appendonly is on, appendfsync is ${mode}` };
  return {
    check,
    level: "warn",
    says: "appendfsync is no: a loss of power takes what the system had not written, some 30 s, and nobody is told",
    mend: "redis-cli CONFIG SET appendfsync everysec, and the same in redis.conf",
  };
}

/** Redis tells how many replicas are good where it counts them before it takes a write. */
function replicaFindings(info: string): readonly Finding[] {
  const check = "history replicas";
  const replicas = field(info, "connected_slaves") ?? "0";
  if (replicas === "0") return [];
  const says = `${replicas} connected`;
  if (field(info, "min_slaves_good_slaves") !== undefined) return [{ check, level: "ok", says }];
  return [
    {
      check,
      level: "warn",
      says: `${says}, and a primary that lost them goes on taking updates, which a failover throws away`,
      mend: "redis-cli CONFIG SET min-replicas-to-write 1, and the same in redis.conf",
    },
  ];
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1];
}
