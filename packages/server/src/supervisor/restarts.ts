import type { Random } from "../clock.ts";

/** A worker that lived for as long was sound: its death is the first of a row, in milliseconds. */
const SOUND_MS = 60_000;

/** So many early deaths in a row are a loop: what kills it is there every time. */
const MOST_EARLY_DEATHS = 5;

/** The longest wait after the second early death; it doubles with each further one. Milliseconds. */
const SECOND_WAIT_MS = 500;

/** When a worker that died is started again, and when that is given up. */
export class Restarts {
  readonly #random: Random;
  #earlyDeaths = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * Milliseconds until the next start, given how long the process that died had lived; null where it died early for the
   * fifth time in a row. The first start comes at once: a port with a process missing serves fewer people. The jitter of
   * the others keeps workers that died of the same thing from coming back in step.
   */
  afterLife(livedMs: number): number | null {
    this.#earlyDeaths = livedMs >= SOUND_MS ? 1 : this.#earlyDeaths + 1;
    if (this.#earlyDeaths >= MOST_EARLY_DEATHS) return null;
    if (this.#earlyDeaths === 1) return 0;
    const longest = SECOND_WAIT_MS * 2 ** (this.#earlyDeaths - 2);
    return longest / 2 + (this.#random() * longest) / 2;
  }
}
