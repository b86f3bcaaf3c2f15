import type { LogDraft, MissedUpdates } from "../update-log.ts";

/** How many producers of one log are remembered. */
const MAX_PRODUCERS = 8;

/** The last number of each of a log's latest producers: from it follows what never arrived. */
export class ProducerCounters {
  /** By the producer's name; the producer heard longest ago comes first. */
  readonly #last = new Map<string | null, number>();

  /**
   * Notes a draft's number and gives what is missing just before it. A producer's first number, and one that goes back
   * since the producer began anew, are no hole.
   */
  note({ producer, seq }: LogDraft): MissedUpdates | null {
    if (seq === null) return null;
    const name = producer === null ? null : (JSON.parse(producer) as string);
    const last = this.#last.get(name);
    this.#last.delete(name);
    this.#last.set(name, seq);
    if (this.#last.size > MAX_PRODUCERS) this.#forgetOne();
    return last !== undefined && seq > last + 1 ? { producer: name, from: last + 1, to: seq - 1 } : null;
  }

  #forgetOne(): void {
    for (const oldest of this.#last.keys()) {
      this.#last.delete(oldest);
      return;
    }
  }
}
