/** What the clients of a relay count together. */
export interface ClientCounters {
  framesSent: number;
  bytesSent: number;
  /** Frames that were waiting when their client was closed, and so were never written. */
  framesDropped: number;
  /** The most bytes that ever waited for one client. */
  outboxHighWater: number;
}
