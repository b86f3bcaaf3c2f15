/** What a bench has up or coming up, to be taken down also where a signal ends the bench. */
export class TakeDown {
  readonly #up = new Set<Promise<AsyncDisposable>>();
  #departure: Promise<void> | null = null;

  constructor() {
    for (const [signal, status] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      process.on(signal, () => {
        this.#departure ??= this.#takeDown().then(() => process.exit(status));
      });
    }
  }

  /** Whether a signal has come: what fails from here on fails because things are taken down, and nothing is to be started. */
  get isLeaving(): boolean {
    return this.#departure !== null;
  }

  /** Takes a part down with the rest. The caller still disposes of it where no signal comes. */
  use<Part extends AsyncDisposable>(part: Promise<Part>): Promise<Part> {
    this.#up.add(part);
    return part;
  }

  /**
   * Runs the bench, and takes down what is still up or coming up where it fails. Where a signal made it fail, by taking
   * things down under it, the fault is no news.
   */
  async run(bench: () => Promise<void>): Promise<void> {
    try {
      await bench();
    } catch (error) {
      await (this.#departure ?? this.#takeDown());
      throw error;
    }
  }

  async #takeDown(): Promise<void> {
    await Promise.allSettled(Array.from(this.#up, async (part) => (await part)[Symbol.asyncDispose]()));
  }
}
