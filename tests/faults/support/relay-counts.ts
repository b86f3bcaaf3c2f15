import type { RelayCounts } from "../judge/evidence.ts";
import type { RelayProcess } from "./relay-process.ts";

/** Reads what a relay counted; `cuts` is how often its subscription was cut for certain. */
export async function readCounts(relay: RelayProcess, cuts: number, isExact: boolean): Promise<RelayCounts> {
  return {
    relay: relay.name,
    handshakes: await relay.metric('tidings_handshakes_total{result="accepted"}'),
    framesSent: await relay.metric("tidings_frames_sent_total"),
    framesDropped: await relay.metric("tidings_frames_dropped_total"),
    deliveries:
      (await relay.metric("tidings_deliveries_total")) +
      (await relay.metric("tidings_replayed_updates_total")),
    resubscriptions: await relay.metric("tidings_broker_resubscriptions_total"),
    cuts,
    isExact,
  };
}
