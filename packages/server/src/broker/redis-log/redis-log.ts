import {
  type Lease,
  LeaseLost,
  type LogDraft,
  type LogPage,
  type LogPosition,
  type PageLimit,
  type UpdateLog,
} from "../update-log.ts";
import type { FunctionArgument } from "./function-library.ts";
import { readLease, readPage, readPositions } from "./replies.ts";

/**
 * Calls a function of the library, and returns its reply, in which strings are bytes.
 * @throws {LeaseLost} where the function says so, and `BrokerUnavailable` where it did not answer in time or refused.
 */
export type CallFunction = (
  name: string,
  keys: readonly string[],
  args: readonly FunctionArgument[],
) => Promise<unknown>;

/** The channel of plain `PUBLISH` unless another is set. */
const USUAL_CHANNEL = "updates";

/** The key of the lease of what is published on a channel. It is one for all targets, and lives beside the logs. */
export function leaseKey(channel: string): string {
  return channel === USUAL_CHANNEL ? "tidings:ingest" : `tidings:ingest:${channel}`;
}

/** The key of a target's log: what stands in braces is what Redis Cluster shards by. */
export function logKey(target: string): string {
  return `tidings:{${target}}:log`;
}

/** The log in Redis: streams, written and read by the function library (`function-library.ts`), which has all the rules. */
export class RedisLog implements UpdateLog {
  readonly #call: CallFunction;
  readonly #leaseKey: string;

  /** The lease is that of `channel`. */
  constructor(call: CallFunction, channel: string = USUAL_CHANNEL) {
    this.#call = call;
    this.#leaseKey = leaseKey(channel);
  }

  /** Holds up all other clients of Redis while it runs: the caller keeps to about a hundred drafts at a time. */
  async append(drafts: readonly LogDraft[], lease?: Lease): Promise<readonly LogPosition[]> {
    if (lease !== undefined && !lease.isHeld) throw new LeaseLost("the lease is not held");
    const keys = drafts.map(({ target }) => logKey(target));
    const args = drafts.flatMap(({ frame, id, seq, producer }) => [
      frame,
      id ?? "",
      seq === null ? "" : String(seq),
      producer ?? "",
    ]);
    return readPositions(
      await this.#call("tidings_append", keys, [String(lease?.deadline ?? 0), ...args]),
      drafts.length,
    );
  }

  async positions(targets: readonly string[]): Promise<readonly LogPosition[]> {
    if (targets.length === 0) return [];
    return readPositions(await this.#call("tidings_positions", targets.map(logKey), []), targets.length);
  }

  async read(target: string, after: LogPosition | "earliest", limit: PageLimit): Promise<LogPage> {
    const { epoch, n } = after === "earliest" ? { epoch: "", n: 0 } : after;
    const numbers = [n, limit.updates, limit.bytes].map(String);
    return readPage(await this.#call("tidings_read", [logKey(target)], [epoch, ...numbers]));
  }

  async lease(holder: string, ttlMs: number): Promise<Lease> {
    return readLease(await this.#call("tidings_lease", [this.#leaseKey], [holder, String(ttlMs)]));
  }

  async release(holder: string): Promise<void> {
    await this.#call("tidings_release", [this.#leaseKey], [holder]);
  }

  async distrust(target: string, epoch: string): Promise<void> {
    await this.#call("tidings_distrust", [logKey(target)], [epoch]);
  }
}
