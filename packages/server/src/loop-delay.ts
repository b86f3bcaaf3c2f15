import type { CancelTimer, Clock } from "./clock.ts";

/** How often the event loop is asked whether it is on time. */
const PERIOD_MS = 100;

/**
 * Tells `observe` ten times a second by how many milliseconds the event loop is late. A stall that is longer than the
 * period is one observation of its whole length.
 */
export function watchLoopDelay(clock: Clock, observe: (delayMs: number) => void): CancelTimer {
  let last = clock.monotonic();
  return clock.every(PERIOD_MS, () => {
    const now = clock.monotonic();
    observe(Math.max(0, now - last - PERIOD_MS));
    last = now;
  });
}
