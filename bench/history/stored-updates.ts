import { createClient } from "@redis/client";
import { frameText, stamp, userId } from "../load/update-text.ts";

/** Updates in one call of the library, as many as a relay would append at once. */
const BATCH = 128;
/** Calls under way at once. */
const PIPELINE = 8;

/** Which logs to fill, and how far. */
export interface StoreOptions {
  readonly redisPort: number;
  readonly firstUser: number;
  readonly users: number;
  /** Updates in each log. */
  readonly each: number;
  readonly textBytes: number;
}

/**
 * Stores updates in the logs of users, beginning those that do not exist, as the relay that appends does it, and returns
 * where each log stood before, the first user's first. A relay must have brought its function library.
 */
export async function storeUpdates(options: StoreOptions): Promise<string[]> {
  const { redisPort, firstUser, users, each, textBytes } = options;
  const client = createClient({ url: `redis://127.0.0.1:${redisPort}` });
  await client.connect();
  try {
    const indexes = Array.from({ length: users }, (_, index) => firstUser + index);
    const positions = await client.sendCommand([
      "FCALL",
      "tidings_positions",
      String(users),
      ...indexes.map(logKeyOf),
    ]);
    const text = "t".repeat(textBytes);
    const calls: string[][] = [];
    for (let from = 0; from < users * each; from += BATCH) {
      const keys: string[] = [];
      const drafts: string[] = [];
      for (let at = from; at < Math.min(from + BATCH, users * each); at += 1) {
        const user = firstUser + (at % users);
        keys.push(logKeyOf(user));
        drafts.push(frameText(user, Math.floor(at / users) + 1, stamp(), text), "", "", "");
      }
      calls.push(["FCALL", "tidings_append", String(keys.length), ...keys, "0", ...drafts]);
    }
    for (let at = 0; at < calls.length; at += PIPELINE) {
      await Promise.all(calls.slice(at, at + PIPELINE).map((call) => client.sendCommand(call)));
    }
    return (positions as unknown as unknown[]).map(String);
  } finally {
    client.destroy();
  }
}

function logKeyOf(user: number): string {
  return `tidings:{${userId(user)}}:log`;
}
