import { systemClock } from "../clock.ts";
import type { Settings } from "../config/schema.ts";
import type { Logger } from "../log.ts";
import { storageFindings } from "./doctor-storage.ts";
import { openRedis, redisUrlOf } from "./operator-redis.ts";

/** How long a Redis that does not answer is left alone before it is asked again, in milliseconds. */
const AGAIN_MS = 10_000;

/** Logs once, as soon as Redis answers, what of its settings makes it lose history. Never rejects. */
export async function warnOfStorage(settings: Settings, logger: Logger): Promise<void> {
  try {
    using redis = await openRedis(await redisUrlOf(settings));
    for (const { level, check, says, mend } of await storageFindings(redis)) {
      if (level !== "ok") logger.warn({ check, mend }, says);
    }
  } catch {
    // The relay says what is wrong with Redis; this one waits until it is there.
    systemClock.after(AGAIN_MS, () => void warnOfStorage(settings, logger));
  }
}
