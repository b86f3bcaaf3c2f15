import type { LogBounds } from "../broker/update-log.ts";
import type { Settings } from "../config/schema.ts";

/** The bounds of each log, as the settings give them. */
export function logBounds(settings: Settings): LogBounds {
  return {
    updates: settings.history_size,
    bytes: settings.history_bytes,
    ttlMs: settings.history_ttl,
    maxUpdateBytes: settings.max_update_bytes,
  };
}
