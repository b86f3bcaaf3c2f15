import { availableParallelism } from "node:os";
import type { Settings } from "../config/schema.ts";
import { memoryLimit, outboxBytesWithin } from "../memory-limit.ts";

/**
 * How many processes the settings ask for on this machine. `auto` is one for each core that this process may use, and
 * never more than there may be connections.
 */
export function workerCount({ workers, max_connections: most }: Settings): number {
  if (workers !== "auto") return workers;
  const cores = sharesPorts(process.platform) ? availableParallelism() : 1;
  return most === 0 ? cores : Math.min(cores, most);
}

/**
 * Why the settings ask for more processes than this system can run on one port, in one sentence; null where they do not.
 * Elsewhere than on Linux a shared port gives all connections to one of its listeners.
 */
export function workersFault({ workers }: Settings, platform: string = process.platform): string | null {
  if (workers === "auto" || workers === 1 || sharesPorts(platform)) return null;
  return `workers (${workers}): only Linux spreads the connections of one port over several processes; set it to 1 here`;
}

function sharesPorts(platform: string): boolean {
  return platform === "linux";
}

/**
 * The settings of one worker of `count`, from 1: those of the relay, but for its part of `max_connections` and
 * `total_buffer_bytes`.
 */
export function settingsOf(worker: number, count: number, settings: Settings): Settings {
  const { max_connections: most, total_buffer_bytes: total } = settings;
  const part = Math.floor(most / count) + (worker <= most % count ? 1 : 0);
  const bytes = Math.floor((total === 0 ? outboxBytesWithin(memoryLimit()) : total) / count);
  return { ...settings, max_connections: part, total_buffer_bytes: bytes };
}
