import { formatOffset } from "@tidings/protocol";
import { LOG_CHANNEL } from "../broker/update-log.ts";
import { CONTROL_CHANNEL } from "../fleet.ts";
import { CommandFailure } from "./failure.ts";
import type { OperatorRedis } from "./operator-redis.ts";

/** An update that the log has. */
export interface Stored {
  readonly offset: string;
  /** How many relays were told, or null where Redis does not say. */
  readonly relays: number | null;
}

/** What Redis answers where there is no log to store in, or not for this user of Redis. */
const NO_LOG = /function not found|unknown command|history_off|NOPERM/i;

/** How the function of the log refuses an update: its fault and a sentence. */
const REFUSAL = /tidings: (?<fault>[a-z_]+): (?<sentence>.*)$/s;

/**
 * Stores one update in the log, as `FCALL tidings_publish` of a worker does. Null where this Redis has no log, or the relays
 * on it keep no history.
 * @throws {CommandFailure} where it is refused, or Redis does not answer.
 */
export async function storeUpdate(
  redis: OperatorRedis,
  target: string,
  update: Buffer,
): Promise<Stored | null> {
  const relays = await listeners(redis, LOG_CHANNEL);
  // The functions stay in a Redis whose relays were started again without history: nobody would deliver.
  if (relays === 0 && (await listeners(redis, CONTROL_CHANNEL)) !== 0) return null;
  try {
    const answer = await redis.send("FCALL", "tidings_publish", "1", `tidings:{${target}}:log`, update);
    const [epoch = "", n] = String(answer).split(".");
    return { offset: formatOffset(target, epoch, Number(n)), relays };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (NO_LOG.test(message)) return null;
    const { fault, sentence } = REFUSAL.exec(message)?.groups ?? {};
    throw new CommandFailure(`not published: ${fault === undefined ? message : `${sentence} (${fault})`}`);
  }
}

/** How many listen on a channel, or null where Redis does not say. */
async function listeners(redis: OperatorRedis, channel: string): Promise<number | null> {
  try {
    const answer = await redis.send("PUBSUB", "NUMSUB", channel);
    const count: unknown = Array.isArray(answer) ? answer[1] : null;
    return count === null ? null : Number(count);
  } catch {
    return null;
  }
}
