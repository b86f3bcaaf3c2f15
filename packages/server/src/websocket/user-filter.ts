import { BROADCAST_TARGET, idHash } from "@tidings/protocol";

const FEWEST_SLOTS = 1_024;

/** Slots for each user when the filter has just grown; half as many when it grows again. */
const SLOTS_PER_USER = 16;

/** A slot that ever counted so far stays: it can then no longer say that nobody is there. */
const MOST_COUNTED = 255;

/**
 * Says by the hash of an id that its user is certainly not here, so that no text is made of the id of an update for
 * somebody elsewhere. It may be wrong the other way, for fewer than one user in eight. 8 to 16 bytes a user.
 */
export class UserFilter {
  readonly #users: () => Iterable<string>;
  #counts = new Uint8Array(0);
  #size = 0;

  /** `users` are all users that were added and not removed. */
  constructor(users: () => Iterable<string>) {
    this.#users = users;
    this.#rebuild([], FEWEST_SLOTS);
  }

  /** Adds a user, who is among `users` by now. */
  add(userId: string): void {
    this.#size += 1;
    const { length } = this.#counts;
    if (this.#size * (SLOTS_PER_USER / 2) > length) this.#rebuild(this.#users(), length * 2);
    else this.#count(userId, 1);
  }

  /** Removes a user that was added. */
  remove(userId: string): void {
    this.#size -= 1;
    this.#count(userId, -1);
  }

  /** False where no user has an id of this hash. What cannot be hashed, and the target of broadcasts, may be here. */
  mayHave(hash: number): boolean {
    return hash === -1 || this.#counts[hash & (this.#counts.length - 1)] !== 0;
  }

  #rebuild(users: Iterable<string>, slots: number): void {
    this.#counts = new Uint8Array(slots);
    this.#count(BROADCAST_TARGET, 1);
    for (const user of users) this.#count(user, 1);
  }

  #count(userId: string, by: 1 | -1): void {
    const hash = idHash(userId);
    if (hash === -1) return;
    const slot = hash & (this.#counts.length - 1);
    const count = this.#counts[slot] ?? 0;
    if (count < MOST_COUNTED) this.#counts[slot] = count + by;
  }
}
