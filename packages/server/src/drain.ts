import type { Clock, Random } from "./clock.ts";

/** Somebody who is told to go. */
export interface Leaving {
  close(name: "going_away", details: { readonly retryAfterMs: number }): void;
}

/** How a drain goes. */
export interface DrainOptions {
  /** Over how long the closes, and the advice when to come back, are spread. */
  readonly windowMs: number;
  /** When those that are left are closed all at once. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** How often a batch of clients is closed. */
const STEP_MS = 50;

/**
 * Closes every client with 1001, spread evenly over the window in an order of chance, and tells each to come back after
 * a time of its own within a window's length: a relay that stops must not send its whole crowd to the next one at once.
 * Resolves when the last close was sent, at the deadline at the latest.
 */
export function drainClients(clients: Iterable<Leaving>, options: DrainOptions): Promise<void> {
  const { windowMs, deadlineMs, clock, random } = options;
  const queue = shuffled([...clients], random);
  const startedAt = clock.monotonic();
  const { promise, resolve } = Promise.withResolvers<void>();
  const total = queue.length;
  const step = (): void => {
    const elapsed = clock.monotonic() - startedAt;
    const isOver = windowMs === 0 || elapsed >= deadlineMs;
    const due = isOver ? total : Math.ceil((elapsed / windowMs) * total);
    const left = total - Math.min(due, total);
    while (queue.length > left) {
      queue.pop()?.close("going_away", { retryAfterMs: Math.floor(random() * windowMs) });
    }
    if (queue.length === 0) {
      cancel();
      resolve();
    }
  };
  const cancel = clock.every(STEP_MS, step);
  step();
  return promise;
}

function shuffled<T>(items: T[], random: Random): T[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [items[last], items[other]];
    if (a === undefined || b === undefined) continue;
    items[last] = b;
    items[other] = a;
  }
  return items;
}
