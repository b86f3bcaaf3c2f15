import type { Random } from "../clock.ts";

/** The first retry after a connection that worked comes within this many milliseconds. */
const FIRST_RETRY_MS = 50;

/** No retry waits longer: Redis is found again within this time of its return, in milliseconds. */
const LONGEST_RETRY_MS = 1_000;

/**
 * Milliseconds to wait before the next attempt after `failures` failed ones in a row. Doubles up to a second;
 * the jitter keeps many relays that lost the same Redis from coming back in step.
 */
export function retryDelay(failures: number, random: Random): number {
  if (failures <= 0) return random() * FIRST_RETRY_MS;
  const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 20));
  return longest / 2 + (random() * longest) / 2;
}
