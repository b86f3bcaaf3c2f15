/** Marks an offset of the log of broadcasts. */
const BROADCAST_MARK = "*";

/** Where a stream stands in its logs: what its client would resume from. */
export class StreamPosition {
  #user: string | null = null;
  #broadcast: string | null = null;

  /** Takes the offset of an update that was sent, or several with commas, and returns the whole position. */
  move(offsets: string): string {
    for (const offset of offsets.split(",")) {
      if (offset.startsWith(BROADCAST_MARK)) this.#broadcast = offset;
      else this.#user = offset;
    }
    if (this.#user === null || this.#broadcast === null) return this.#user ?? this.#broadcast ?? "";
    return `${this.#user},${this.#broadcast}`;
  }
}
