import { LatencyHistogram } from "./latency.ts";

/** How one connection ended, as the load saw it. */
export interface CloseNote {
  /** 1006 where no Close frame came. */
  readonly code: number;
  readonly reason: string;
  /** When, in milliseconds on the machine's clock. */
  readonly at: number;
}

/** What all connections of one load process count together. */
export class Tally {
  readonly latency: LatencyHistogram = new LatencyHistogram();
  readonly closes: CloseNote[] = [];
  /** Connections that are open now. */
  open = 0;
  /** Handshakes that ended in something else than 101. */
  refused = 0;
  /** Updates received. */
  frames = 0;
  bytes = 0;
  /** Those among them that ended in an offset. */
  withOffset = 0;
  /** Frames of the relay itself, such as `tidings.welcome`. */
  systemFrames = 0;
  /** Updates that were for another user than the connection's. */
  wrongUser = 0;
  /** Updates whose counter was not above the one before it: repeated or out of order. */
  notRising = 0;
  /** Counters that were left out between two updates. */
  lost = 0;

  /** Begins a new count; what is open stays open, and each connection knows its last counters still. */
  mark(): void {
    this.latency.clear();
    this.closes.length = 0;
    this.frames = 0;
    this.bytes = 0;
    this.withOffset = 0;
    this.systemFrames = 0;
    this.wrongUser = 0;
    this.notRising = 0;
    this.lost = 0;
  }
}
