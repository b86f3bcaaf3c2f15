import type { BrokerHealth } from "../broker/broker.ts";

/** The health of one worker, by its number. */
export interface WorkerHealth {
  readonly worker: number;
  readonly health: BrokerHealth;
}

/**
 * One health for all: good where all are, with the longest lag; else a sentence for each reason, with the workers that
 * have it.
 */
export function joinedHealth(workers: readonly WorkerHealth[]): BrokerHealth {
  const reasons = new Map<string, number[]>();
  let lagMs = 0;
  for (const { worker, health } of workers) {
    if (health.ok) lagMs = Math.max(lagMs, health.lagMs);
    else reasons.set(health.reason, [...(reasons.get(health.reason) ?? []), worker]);
  }
  if (reasons.size === 0) return { ok: true, lagMs };
  const sentences = [...reasons].map(([reason, having]) => {
    const who = having.length === 1 ? `Worker process ${having[0]}` : `Worker processes ${having.join(", ")}`;
    return `${who} of ${workers.length}: ${reason}`;
  });
  return { ok: false, reason: sentences.join(" ") };
}
