import { thousands } from "../figures.ts";
import type { StreamOptions } from "../load/publisher.ts";
import { EVERYONE } from "../load/update-text.ts";
import type { HistoryBed } from "./history-bed.ts";
import { storeUpdates } from "./stored-updates.ts";

/** How many plain connections every workload runs at, one a user. */
export const CONNECTIONS = 5_000;

const TEXT_BYTES = 64;
const BUSY_USERS = 200;
const NOT_CONNECTED = 500_001;
const ELSEWHERE = 5_000;
/** What a log holds at most, unless it is set otherwise: from there on each append has something to trim. */
const FULL_LOG = 1_000;

/** One row of the bench. */
export interface HistoryWorkload {
  readonly name: string;
  /** What the relay's cost is counted in. */
  readonly unit: string;
  readonly stream: StreamOptions;
  /** How many connections get each update. */
  readonly fanout: number;
}

/** Every workload, in the order in which they are run. */
export const workloads: readonly HistoryWorkload[] = [
  unicast(`token streams to ${BUSY_USERS} busy users`, BUSY_USERS, 4_000),
  unicast("spread over 5,000 users", CONNECTIONS, 5_000),
  {
    name: "for users elsewhere, 10,000/s",
    unit: "µs an update",
    stream: { firstUser: NOT_CONNECTED, users: ELSEWHERE, rate: 10_000, textBytes: TEXT_BYTES },
    fanout: 0,
  },
  {
    name: `broadcast to ${thousands(CONNECTIONS)}, 2/s`,
    unit: "µs a delivery",
    stream: { firstUser: EVERYONE, users: 1, rate: 2, textBytes: TEXT_BYTES },
    fanout: CONNECTIONS,
  },
];

function unicast(name: string, users: number, rate: number): HistoryWorkload {
  return {
    name: `${name}, ${thousands(rate)}/s`,
    unit: "µs a delivery",
    stream: { firstUser: 1, users, rate, textBytes: TEXT_BYTES },
    fanout: 1,
  };
}

/**
 * Brings a system to where it is after an hour: all connections open, every path run and compiled, every log begun, and
 * those of the busy users full.
 */
export async function settle(bed: HistoryBed): Promise<void> {
  if (bed.system.hasHistory) {
    const busy = { firstUser: 1, users: BUSY_USERS, each: FULL_LOG };
    await storeUpdates({ redisPort: bed.redisPort, textBytes: TEXT_BYTES, ...busy });
  }
  await bed.fill(CONNECTIONS);
  for (const { stream, fanout } of workloads) await bed.stream(stream, fanout, 1);
}
