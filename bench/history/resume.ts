import { LOAD_CORE } from "../cores.ts";
import { Load } from "../load/load.ts";
import { invalid, type Void } from "../measured.ts";
import { processCost } from "../process-cost.ts";
import type { HistoryBed } from "./history-bed.ts";
import { storeUpdates } from "./stored-updates.ts";

/** How many clients come back at once. */
export const RETURNING = 200;
/** How many updates each of them missed. */
export const MISSED = 500;

const TEXT_BYTES = 64;
const FIRST_USER = 200_001;
const MICRO = 1e6;
const QUIET_MS = 300;
const POLL_MS = 5;
const REPLAY_TIMEOUT_MS = 20_000;

/** What it took that many clients got everything that they had missed. */
export interface ResumeFigures {
  readonly ok: true;
  /** Microseconds of processor time for each update replayed, the handshakes included. */
  readonly relay: number;
  readonly redis: number;
  /** Milliseconds from the first handshake until the last client had everything. */
  readonly wall: number;
}

/** Has {@link RETURNING} Tidings clients resume at once, users that were not there in another `round`. */
export async function resumeAll(bed: HistoryBed, round: number): Promise<ResumeFigures | Void> {
  const firstUser = FIRST_USER + round * RETURNING;
  const users = { firstUser, users: RETURNING };
  const since = await storeUpdates({
    redisPort: bed.redisPort,
    ...users,
    each: MISSED,
    textBytes: TEXT_BYTES,
  });
  await using load = new Load(LOAD_CORE);
  // The answer says that the process is up.
  await load.call("count", null);
  await Bun.sleep(QUIET_MS);
  const { port, pid } = bed.server;
  const expected = RETURNING * MISSED;
  const [before, redisBefore] = [processCost.cpu(pid), processCost.threadSeconds(bed.redisPid)];
  const startedAt = performance.now();
  const options = { port, count: RETURNING, atOnce: RETURNING, speaksTidings: true, since };
  const { refused } = await load.call("open", { ...users, ...options });
  while ((await load.call("count", null)).frames < expected) {
    if (performance.now() - startedAt > REPLAY_TIMEOUT_MS) break;
    await Bun.sleep(POLL_MS);
  }
  const wall = performance.now() - startedAt;
  const relay = processCost.cpu(pid).total - before.total;
  const redis = processCost.threadSeconds(bed.redisPid) - redisBefore;
  const { frames, withOffset, wrongUser, notRising, lost } = await load.call("report", null);
  if (refused > 0) return invalid(`${refused} of ${RETURNING} handshakes failed`);
  if (frames !== expected || withOffset !== frames || wrongUser + notRising + lost > 0) {
    return invalid(
      `${frames} of ${expected} updates replayed, ${withOffset} with an offset, ${wrongUser} to wrong users, ` +
        `${notRising} out of order, ${lost} lost`,
    );
  }
  return { ok: true, relay: (relay / expected) * MICRO, redis: (redis / expected) * MICRO, wall };
}
