import type { LogPosition } from "../broker/update-log.ts";
import type { Feed } from "./feed.ts";
import type { FramedUpdate } from "./log-framer.ts";

/** Live updates that a client which is not at the live end may keep; beyond either they are read from the log again. */
const MOST_HELD = 64;
const MOST_HELD_BYTES = 65_536;

/** A client's place in one log while it catches up, and the live updates that arrived meanwhile. */
export class Cursor {
  readonly feed: Feed;
  epoch: string;
  /** The number of the last update the client was sent, or is known to have. */
  n: number;
  /** Whether updates are sent as they arrive. */
  isLive = false;
  #held: FramedUpdate[] = [];
  #heldBytes = 0;
  #heldEpoch = "";

  /** Stands at `place`, or at the live end; where that is not known exactly, before whatever comes. */
  constructor(feed: Feed, place: LogPosition = feed.position ?? { epoch: feed.epoch, n: 0 }) {
    this.feed = feed;
    this.epoch = place.epoch;
    this.n = place.n;
  }

  get position(): LogPosition {
    return { epoch: this.epoch, n: this.n };
  }

  /** Whether the client has everything up to the live end. */
  get isThere(): boolean {
    return this.feed.isReachedBy(this);
  }

  /** Takes a place where none was known. */
  placeAt({ epoch, n }: LogPosition): void {
    this.epoch = epoch;
    this.n = n;
  }

  /** Moves to another place, from which the live end is to be reached again. */
  moveTo(place: LogPosition): void {
    this.placeAt(place);
    this.isLive = false;
  }

  /** Keeps a live update until what comes before it has been sent. */
  hold(update: FramedUpdate): void {
    const isFull = this.#held.length >= MOST_HELD || this.#heldBytes + update.bytes > MOST_HELD_BYTES;
    if (isFull || this.#heldEpoch !== this.feed.epoch) this.letGo();
    this.#heldEpoch = this.feed.epoch;
    this.#held.push(update);
    this.#heldBytes += update.bytes;
  }

  /** Forgets the updates that were kept: they are in the log. */
  letGo(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }

  /** Takes the kept updates that follow the client's place without a hole. */
  takeHeld(): FramedUpdate[] {
    if (this.epoch !== this.#heldEpoch) {
      this.letGo();
      return [];
    }
    const taken: FramedUpdate[] = [];
    let next = this.n + 1;
    for (const update of this.#held) {
      if (update.n < next) continue;
      if (update.n > next) return [];
      taken.push(update);
      next += 1;
    }
    this.letGo();
    return taken;
  }
}
