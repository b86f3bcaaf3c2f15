const KIB = 1024;
const MIB = 1024 * KIB;

/** Bounds on what one connection to the loopback port may send or leave unread. All sizes are bytes. */
export interface RespLimits {
  /** Longest single argument. */
  readonly maxBulkBytes: number;
  /** Most arguments of one command. */
  readonly maxArguments: number;
  /** Longest line: an inline command, or the digits of a length. */
  readonly maxLineBytes: number;
  /**
   * Longest whole command, and longest whole transaction; each argument counts {@link
   * ARGUMENT_OVERHEAD_BYTES} more.
   */
  readonly maxCommandBytes: number;
  /** Unread output at which a connection is cut. */
  readonly maxOutputBytes: number;
  /** Most connections at once; further ones are told so and closed. */
  readonly maxConnections: number;
}

/** What an argument costs in memory beside its own bytes, roughly. */
export const ARGUMENT_OVERHEAD_BYTES = 64;

/**
 * Redis's own numbers where it has them; an argument is bounded at 64 MiB, the largest update that can be
 * configured.
 */
export const RESP_LIMITS: RespLimits = {
  maxBulkBytes: 64 * MIB,
  maxArguments: 1024 * 1024,
  maxLineBytes: 64 * KIB,
  maxCommandBytes: 128 * MIB,
  maxOutputBytes: 32 * MIB,
  maxConnections: 1_000,
};
