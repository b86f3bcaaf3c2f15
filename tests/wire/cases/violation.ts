/** Frames that break RFC 6455, or the relay's bounds, and what comes of it. */
export interface Violation {
  /** What is sent, as the subject of a sentence. */
  readonly name: string;
  /** The section of RFC 6455 that is broken. */
  readonly rfc: string;
  readonly send: readonly Uint8Array[];
  /** The code of the Close frame that answers it. */
  readonly code: 1002 | 1007 | 1009;
}
