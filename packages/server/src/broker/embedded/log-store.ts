import type { Clock, Random } from "../../clock.ts";
import { logNotice } from "../log-notice.ts";
import {
  type Lease,
  LeaseLost,
  LOG_CHANNEL,
  type LogBounds,
  type LogDraft,
  type LogPage,
  type LogPosition,
  type PageLimit,
} from "../update-log.ts";
import { ownBytes } from "./channel-name.ts";
import type { ChannelRegistry } from "./channels.ts";
import { type Appended, TargetLog } from "./target-log.ts";

/** Most that all logs together hold, in bytes, roughly; the one that rested longest is lost first. */
const MAX_TOTAL_BYTES = 256 * 1_048_576;

/** How much sooner a holder stops than another may begin, in milliseconds. */
const LEASE_MARGIN_MS = 50;

const CHANNEL = ownBytes(LOG_CHANNEL);

/** What the logs are made of. */
export interface LogStoreOptions {
  readonly bounds: LogBounds;
  /** Where notices are told. */
  readonly channels: ChannelRegistry;
  readonly clock: Clock;
  readonly random: Random;
  /** Most that all logs together hold, in bytes, roughly. 256 MiB unless given. */
  readonly maxTotalBytes?: number;
}

interface Holding {
  readonly holder: string;
  readonly until: number;
}

/**
 * The logs of all targets in this process's memory: what Redis is to other relays. Every call is done when it returns. A
 * log that was not written or asked for during its time to live is dropped, and so is the one that rested longest when all
 * together grow too large; it begins again in another epoch.
 */
export class LogStore {
  readonly bounds: LogBounds;
  readonly #channels: ChannelRegistry;
  readonly #clock: Clock;
  readonly #maxTotalBytes: number;
  /** The log that rested longest comes first. */
  readonly #logs = new Map<string, TargetLog>();
  /** What the epochs of this store begin with, so that no other store has the same ones. */
  readonly #life: string;
  #begun = 0;
  #totalBytes = 0;
  #holding: Holding | null = null;

  constructor(options: LogStoreOptions) {
    this.bounds = options.bounds;
    this.#channels = options.channels;
    this.#clock = options.clock;
    this.#maxTotalBytes = options.maxTotalBytes ?? MAX_TOTAL_BYTES;
    this.#life = Math.floor(options.random() * 2 ** 40)
      .toString(16)
      .padStart(10, "0");
  }

  /** How many logs are held. */
  get size(): number {
    return this.#logs.size;
  }

  /**
   * Stores all drafts, then tells of them. Subscribers are called before it returns, and must not append. Frames given as
   * bytes are kept as they are and must not change any more.
   * @throws {LeaseLost} where `lease` was given and has run out; nothing was stored then.
   */
  append(drafts: readonly LogDraft[], lease?: Lease): readonly LogPosition[] {
    const now = this.#clock.monotonic();
    if (lease !== undefined && (!lease.isHeld || now > lease.deadline)) {
      throw new LeaseLost("the lease has run out: nothing was stored");
    }
    const appended = drafts.map((draft) =>
      this.#touch(draft.target, now, (log) => log.append(draft, frameBytes(draft.frame), now)),
    );
    for (const [index, { target }] of drafts.entries()) this.#tell(target, appended[index]);
    return appended.map(({ position }) => position);
  }

  /** Where logs stand; one that does not exist begins. */
  positions(targets: readonly string[]): readonly LogPosition[] {
    const now = this.#clock.monotonic();
    return targets.map((target) => this.#touch(target, now, (log) => log.position));
  }

  /** Reads a page of one log; one that does not exist begins. The frames must not be changed. */
  read(target: string, after: LogPosition | "earliest", limit: PageLimit): LogPage {
    const now = this.#clock.monotonic();
    return this.#touch(target, now, (log) => log.read(after, limit, now));
  }

  /** Takes or renews the lease where it is free or `holder` has it. */
  lease(holder: string, ttlMs: number): Lease {
    const now = this.#clock.monotonic();
    const held = this.#holding;
    if (held !== null && held.holder !== holder && now < held.until) return { isHeld: false, deadline: 0 };
    this.#holding = { holder, until: now + ttlMs };
    return { isHeld: true, deadline: now + ttlMs - LEASE_MARGIN_MS };
  }

  /** Gives the lease back where `holder` has it. */
  release(holder: string): void {
    if (this.#holding?.holder === holder) this.#holding = null;
  }

  /** Drops one log: it begins again in another epoch. */
  forget(target: string): void {
    const log = this.#logs.get(target);
    if (log !== undefined) this.#drop(target, log);
  }

  /** Does something with a log, which is then the one that rested least. */
  #touch<T>(target: string, now: number, use: (log: TargetLog) => T): T {
    this.#dropIdle(now);
    const log = this.#logs.get(target) ?? this.#begin();
    this.#logs.delete(target);
    this.#logs.set(target, log);
    log.touchedAt = now;
    const before = log.weight;
    const result = use(log);
    this.#totalBytes += log.weight - before;
    this.#dropSurplus(log);
    return result;
  }

  #begin(): TargetLog {
    this.#begun += 1;
    const log = new TargetLog(`${this.#life}-${this.#begun.toString(36)}`, this.bounds);
    this.#totalBytes += log.weight;
    return log;
  }

  #dropIdle(now: number): void {
    for (const [target, log] of this.#logs) {
      if (now - log.touchedAt < this.bounds.ttlMs) return;
      this.#drop(target, log);
    }
  }

  #dropSurplus(inUse: TargetLog): void {
    for (const [target, log] of this.#logs) {
      if (this.#totalBytes <= this.#maxTotalBytes || log === inUse) return;
      this.#drop(target, log);
    }
  }

  #drop(target: string, log: TargetLog): void {
    this.#logs.delete(target);
    this.#totalBytes -= log.weight;
  }

  #tell(target: string, appended: Appended | undefined): void {
    const entry = appended?.entry ?? null;
    if (appended === undefined || entry === null) return;
    this.#channels.publish(CHANNEL, logNotice(target, appended.position, entry.missed, entry.frame));
  }
}

function frameBytes(frame: string | Uint8Array): Uint8Array {
  return typeof frame === "string" ? ownBytes(frame) : frame;
}
