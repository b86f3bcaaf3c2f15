/** What one relay counts while it brings plain `PUBLISH` into the log. */
export interface IngestCounters {
  /** Updates that the log confirmed, among them those whose id it knew. */
  appended: number;
  /** Updates certainly not stored, because too many bytes waited for the log or the log refused them for too long. */
  refused: number;
  /** Updates whose append was not answered: they are stored or not, and are not sent again. */
  unconfirmed: number;
  /** Updates that were heard and certainly not stored by this relay, because its lease was lost. */
  lost: number;
  /** How often this relay became the one that appends. */
  takeovers: number;
}

/** Counters that stand at nothing. */
export function newIngestCounters(): IngestCounters {
  return { appended: 0, refused: 0, unconfirmed: 0, lost: 0, takeovers: 0 };
}

/** What became of updates that were not, or not certainly, stored; each kind is a counter. */
export type IngestLoss = "refused" | "unconfirmed" | "lost";
