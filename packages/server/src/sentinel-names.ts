import type { SentinelNames } from "./broker/redis.ts";
import type { Settings } from "./config/schema.ts";

/** Which Sentinels the settings say to ask, and for what; null where they name none. */
export function sentinelNames(settings: Settings): SentinelNames | null {
  const { redis_sentinels: urls, redis_sentinel_name: name } = settings;
  return urls.length === 0 ? null : { urls, name };
}
