import { Positions } from "../position.ts";
import type { Update } from "../update.ts";
import type { Follower, Told } from "./follower.ts";

/** How many updates are kept for hooks that come later. */
const MOST_KEPT = 2_000;

/** How much more than that there may be before the oldest are let go, so that it is not done for each. */
const SLACK = 500;

/**
 * The latest updates, for hooks that begin with a state from before they mount: a page that was rendered on the server
 * hydrates later than its connection begins, in parts, and one that is navigated to comes with a state of its own.
 */
export class Backlog {
  #kept: Told[] = [];
  #latest = 0;
  /** From where on it holds everything, once that is known. */
  #from: string | null = null;

  /** The order of the latest update. */
  get latest(): number {
    return this.#latest;
  }

  /** From where on it holds everything, or null while nobody knows. */
  get from(): string | null {
    return this.#from;
  }

  /** What is told from now on comes after `offset`. */
  beginAt(offset: string): void {
    this.#from ??= offset;
  }

  /** Adds the latest update. */
  add(update: Update): Told {
    this.#latest += 1;
    const told = { order: this.#latest, update };
    this.#kept.push(told);
    if (this.#kept.length > MOST_KEPT + SLACK) {
      const from = new Positions();
      from.set(this.#from);
      for (const gone of this.#kept.splice(0, SLACK)) from.set(gone.update.offset);
      this.#from = from.since;
    }
    return told;
  }

  /**
   * Tells a follower what it missed; false where some of that is not held any more. `current` is the connection's place.
   */
  catchUp(follower: Follower, current: string | null): boolean {
    const { since, seen } = follower;
    const oldest = this.#latest - this.#kept.length;
    if (seen === null && since === null) {
      follower.begin(this.#latest);
      return true;
    }
    for (const told of this.#kept) {
      if (seen === null ? !isBefore(told.update, since, current) : told.order > seen) follower.take(told);
    }
    follower.begin(this.#latest);
    return seen === null ? this.holds(since, current) : seen >= oldest;
  }

  /** Whether all that came after `since` is held, as far as that is known. */
  holds(since: string | null, current: string | null): boolean {
    if (since === null || this.#from === null) return true;
    const asked = new Positions();
    asked.set(since);
    return this.#from.split(",").every((from) => {
      const life = lifeOf(since, from);
      // A log that is not named begins with what is new, and one that was lost since has none of what is held.
      const isAnother = life === null || (life !== lifeOf(from, from) && life === lifeOf(current, from));
      return isAnother || asked.judge(from) === "seen";
    });
  }
}

/** Whether an update came before `since`, as far as the lives of its log tell: numbers of one life compare elsewhere. */
function isBefore({ offset }: Update, since: string | null, current: string | null): boolean {
  if (offset === undefined) return true;
  const life = lifeOf(since, offset);
  return life === null || (life !== lifeOf(offset, offset) && life === lifeOf(current, offset));
}

/** Which life of a log a place is in, of the two logs that there are: the one that the place `like` is in. */
function lifeOf(places: string | null, like: string): string | null {
  const place = places?.split(",").find((place) => place.startsWith("*") === like.startsWith("*"));
  return place?.slice(0, place.lastIndexOf(".")) ?? null;
}
