import type { Registry } from "@prometheus-io/client";
import type { HistoryCounters } from "./history/history.ts";
import type { IngestCounters } from "./history/ingest-counters.ts";
import { readCounter, readCounters, readGauge } from "./metric-readers.ts";

/** What the metrics of history read when they are scraped. */
export interface HistorySources {
  readonly history: HistoryCounters;
  readonly ingest: IngestCounters;
  /** Whether this relay appends what plain `PUBLISH` brings. */
  readonly isHolder: () => boolean;
  /** Clients that are not at the live end now. */
  readonly catchingUp: () => number;
}

/** Registers what a relay with history counts beside the rest. */
export function describeHistory(registry: Registry, sources: HistorySources): void {
  const { history, ingest } = sources;
  readCounters(registry, "tidings_resumes_total", "Resumes by outcome.", "result", () => history.resumes);
  readCounter(
    registry,
    "tidings_replayed_updates_total",
    "Updates sent to clients from the log instead of live.",
    () => history.replayed,
  );
  readCounter(registry, "tidings_gaps_total", "Holes that clients were told of.", () => history.gaps);
  readCounter(
    registry,
    "tidings_holes_total",
    "Times that updates of a user were lost on the way to this relay, and read from the log.",
    () => history.holes,
  );
  readGauge(
    registry,
    "tidings_catching_up",
    "Connections that are not at the live end now.",
    sources.catchingUp,
  );
  readGauge(
    registry,
    "tidings_ingest_lease_held",
    "1 while this relay appends what PUBLISH brings, else 0.",
    () => (sources.isHolder() ? 1 : 0),
  );
  readCounters(
    registry,
    "tidings_ingest_updates_total",
    "Updates from PUBLISH on their way into the log: appended, or why not, or not certainly.",
    "result",
    () => [
      ["appended", ingest.appended],
      ["refused", ingest.refused],
      ["unconfirmed", ingest.unconfirmed],
      ["lost", ingest.lost],
    ],
  );
  readCounter(
    registry,
    "tidings_ingest_takeovers_total",
    "Times that this relay became the one that appends.",
    () => ingest.takeovers,
  );
}
