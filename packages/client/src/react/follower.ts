import { Positions } from "../position.ts";
import type { Update } from "../update.ts";

/** An update with its place in the order in which the store told them. */
export interface Told {
  readonly order: number;
  readonly update: Update;
}

/** What a follower does. */
export interface FollowerEvents {
  /** An update of its type that it has not had. */
  update(update: Update): void;
  /** All updates that were to be told at once are told, at least one to this follower. */
  settled(): void;
}

/** One hook's view of the updates: those of a type, each once, also when the hook leaves and comes back. */
export class Follower {
  /** The place of the state that it began with, which holds what came before; null for what is new. */
  readonly since: string | null;
  readonly #type: string;
  readonly #events: FollowerEvents;
  readonly #begin = new Positions();
  #seen: number | null = null;
  #isTouched = false;

  constructor(type: string, since: string | null, events: FollowerEvents) {
    this.#type = type;
    this.since = since;
    this.#events = events;
    this.#begin.set(since);
  }

  /** The latest of all that was told while it followed, or null before it did. */
  get seen(): number | null {
    return this.#seen;
  }

  /** Begins to follow after what was told so far. */
  begin(order: number): void {
    this.#seen = order;
  }

  /** Takes what is told next. */
  take({ order, update }: Told): void {
    this.#seen = order;
    if (this.#type !== "*" && this.#type !== update.type) return;
    if (update.offset !== undefined && this.#begin.judge(update.offset) === "seen") return;
    this.#isTouched = true;
    this.#events.update(update);
  }

  /** All that is to be told at once has been. */
  settle(): void {
    if (!this.#isTouched) return;
    this.#isTouched = false;
    this.#events.settled();
  }
}
