/** One command: its name and its arguments. */
export type CommandWords = readonly string[];

/** What the worker needs of Redis, whichever library speaks to it. */
export interface RedisPort {
  /**
   * Sends commands in one go. What Redis refuses is an `Error` among the replies; rejects where the connection is lost or
   * cannot be made.
   */
  send(commands: readonly CommandWords[], signal: AbortSignal): Promise<readonly unknown[]>;
  /** Subscribes on a connection of its own, and resolves when the subscription stands. */
  subscribe(channel: string, events: SubscriptionEvents): Promise<Subscription>;
  /** Closes the connection if it is the port's own. */
  close(): void;
}

/** What a subscription tells. */
export interface SubscriptionEvents {
  onMessage(text: string): void;
  /** The connection was lost, and does not come back. */
  onEnd(error: Error): void;
}

/** A subscription until it ends or is closed. */
export interface Subscription {
  /** Resolves when the connection answers. */
  ping(): Promise<unknown>;
  close(): void;
}

/** Whether Redis itself said this, as against the library: such errors begin with a word in capitals. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && /^[A-Z]{2,}[A-Z_]* /.test(error.message);
}

/** Waits for replies of commands that were sent together, and keeps what Redis refused among them. */
export async function gather(replies: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  const settled = await Promise.allSettled(replies);
  return settled.map((one) => {
    if (one.status === "fulfilled") return one.value;
    if (isRefusal(one.reason)) return one.reason;
    throw one.reason;
  });
}
