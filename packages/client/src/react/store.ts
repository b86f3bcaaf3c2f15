import {
  type Gap,
  type InvalidUpdate,
  type Status,
  type Tidings,
  TidingsError,
  type TokenSource,
  type Update,
} from "../index.ts";
import { Listeners, type Unsubscribe } from "../listeners.ts";
import type { SendOptions } from "../outgoing.ts";
import { Positions } from "../position.ts";
import { Backlog } from "./backlog.ts";
import type { Follower } from "./follower.ts";
import type { Frames } from "./frames.ts";
import { report } from "./report.ts";

/** What a {@link Store} works with. */
export interface StoreOptions {
  /** Opens the connection, to begin after `since`. */
  readonly open: (since: string | null) => Tidings;
  /** Whether the connection is the store's to close. */
  readonly isOwner: boolean;
  readonly since: string | null;
  readonly frames: Frames;
  /** Takes updates that their schema refused. */
  readonly onInvalid: (invalid: InvalidUpdate) => void;
}

/** How the connection stands before there is one, and on the server. */
export const UNOPENED: Status = { kind: "connecting" };

/** What is to be told with the next frame. */
type Item =
  | { readonly kind: "update"; readonly update: Update }
  | { readonly kind: "gap"; readonly gap: Gap };

const TOO_OLD = "what a component began with is older than what this page has received and kept";

/** How long a replay may take to come before it is shown in parts, in milliseconds. */
const LONGEST_HOLD_MS = 1_000;

/**
 * What the components below one provider share: one connection, opened when the first of them is mounted and closed after
 * the last has gone, which tells them all that came once for each frame.
 */
export class Store {
  readonly #options: StoreOptions;
  readonly #backlog = new Backlog();
  readonly #followers = new Set<Follower>();
  readonly #listeners = new Listeners(report);
  #tidings: Tidings | null = null;
  #stops: readonly Unsubscribe[] = [];
  #holders = 0;
  #since: string | null;
  #status: Status = UNOPENED;
  #waiting: Item[] = [];
  #cancelFrame: Unsubscribe | null = null;
  #heldFrom: number | null = null;
  /** Places that hooks began with before it was known from where on the connection tells. */
  #unproved: string[] = [];

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#since = options.since;
  }

  /** How the connection stands, as far as it has been told: it changes once for each frame at most. */
  readonly status = (): Status => this.#status;

  /** Calls `run` when the status has changed. */
  readonly onStatus = (run: () => void): Unsubscribe => this.#listeners.on("status", run);

  /** Calls `run` where updates were missed that will not come. */
  onGap(run: (gap: Gap) => void): Unsubscribe {
    return this.#listeners.on("gap", run as (gap: unknown) => void);
  }

  /**
   * Keeps the connection open until the returned function is called, and a moment longer: React may unmount and mount
   * again in one go.
   */
  readonly retain = (): Unsubscribe => {
    this.#holders += 1;
    if (this.#tidings === null) this.#open();
    return () => {
      this.#holders -= 1;
      queueMicrotask(() => {
        if (this.#holders === 0) this.#close();
      });
    };
  };

  /** Tells a follower all updates from its place on. */
  follow(follower: Follower): Unsubscribe {
    const { since } = follower;
    const isFirst = follower.seen === null;
    // Children are mounted before their provider: the connection begins where the first of them needs it.
    if (isFirst && since !== null && this.#tidings === null) this.#since = earlier(this.#since, since);
    const current = this.#tidings?.offset ?? null;
    const isWhole = this.#backlog.catchUp(follower, current);
    if (!isWhole) this.#miss("trimmed", TOO_OLD, since);
    else if (isFirst && since !== null && this.#backlog.from === null) this.#unproved.push(since);
    follower.settle();
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** As {@link Tidings.send}. */
  readonly send = async (type: string, payload: unknown, options?: SendOptions): Promise<void> => {
    // A child's effects run before those of the provider, which opens the connection.
    if (this.#tidings === null) await Promise.resolve();
    if (this.#tidings === null) throw new TidingsError("closed");
    return this.#tidings.send(type, payload, options);
  };

  /** As {@link Tidings.reconnect}. */
  readonly reconnect = (token?: TokenSource): void => this.#tidings?.reconnect(token);

  #open(): void {
    const since = this.#since;
    const tidings = this.#options.open(since);
    const isReturn = this.#stops.length > 0;
    this.#tidings = tidings;
    if (isReturn && since === null) this.#miss("history_off", "this page was not connected meanwhile", null);
    if (this.#options.isOwner && since !== null && since !== "earliest") this.#beginAt(since);
    this.#stops = [
      tidings.on("*", (_payload, update) => this.#add({ kind: "update", update })),
      tidings.on("tidings.gap", (gap) => this.#add({ kind: "gap", gap })),
      tidings.on("tidings.invalid", this.#options.onInvalid),
      tidings.on("tidings.status", () => this.#stand()),
    ];
    this.#stand();
  }

  #close(): void {
    const tidings = this.#tidings;
    if (tidings === null) return;
    for (const stop of this.#stops) stop();
    if (this.#options.isOwner) tidings.close();
    this.#flush(true);
    this.#since = tidings.offset ?? this.#since;
    this.#tidings = null;
  }

  #add(item: Item): void {
    this.#waiting.push(item);
    this.#cancelFrame ??= this.#options.frames.next(() => this.#flush(false));
  }

  /** The first time that the connection stands, it says from where on it tells. */
  #stand(): void {
    const { status, offset } = this.#tidings ?? {};
    if (offset && (status?.kind === "live" || status?.kind === "behind")) this.#beginAt(offset);
    this.#cancelFrame ??= this.#options.frames.next(() => this.#flush(false));
  }

  #beginAt(offset: string): void {
    this.#backlog.beginAt(offset);
    for (const since of this.#unproved.splice(0)) {
      if (!this.#backlog.holds(since, offset)) this.#miss("trimmed", TOO_OLD, since);
    }
  }

  /** Tells what came since the last frame; a replay is held back until it is whole, so that it is shown at once. */
  #flush(isLast: boolean): void {
    this.#cancelFrame?.();
    this.#cancelFrame = null;
    const { frames } = this.#options;
    const status = this.#tidings?.status ?? UNOPENED;
    const isBehind = status.kind === "behind" && !isLast;
    this.#heldFrom = isBehind ? (this.#heldFrom ?? frames.now()) : null;
    if (this.#heldFrom !== null && frames.now() - this.#heldFrom < LONGEST_HOLD_MS) {
      this.#cancelFrame = frames.next(() => this.#flush(false));
    } else this.#tell(this.#waiting.splice(0));
    if (status === this.#status) return;
    this.#status = status;
    this.#listeners.tell("status");
  }

  #tell(items: readonly Item[]): void {
    for (const item of items) {
      if (item.kind === "gap") this.#listeners.tell("gap", item.gap);
      else {
        const told = this.#backlog.add(item.update);
        for (const follower of this.#followers) follower.take(told);
      }
    }
    for (const follower of this.#followers) follower.settle();
  }

  /** Tells of updates that a component, or all of them, will not get. */
  #miss(reason: Gap["reason"], message: string, after: string | null): void {
    const { from: next } = this.#backlog;
    this.#add({ kind: "gap", gap: { reason, message, log: null, after, next, missed: null } });
  }
}

/** Of two places, the one that lies before the other in any log. */
function earlier(one: string | null, other: string): string {
  if (one === null) return other;
  const positions = new Positions();
  positions.set(one);
  const places = one.split(",");
  const isBefore = (place: string): boolean => !places.includes(place) && positions.judge(place) === "seen";
  return other.split(",").some(isBefore) ? other : one;
}
