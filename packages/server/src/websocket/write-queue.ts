/** Something that has frames to write. */
export interface Writer {
  /** Writes all that waits. Must not throw. */
  flush(): void;
}

/** Runs a function after the input that is at hand has been handled. */
export type Defer = (run: () => void) => void;

/**
 * Collects the clients that were given frames while one batch of input was handled, and lets each write once: ten
 * updates for one socket that came in one read from Redis leave in one system call.
 */
export class WriteQueue {
  readonly #defer: Defer;
  #waiting: Writer[] = [];
  #scheduled = false;

  constructor(defer: Defer = setImmediate) {
    this.#defer = defer;
  }

  /** Has `writer` flushed soon. The caller adds a writer once until it is flushed. */
  add(writer: Writer): void {
    this.#waiting.push(writer);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#defer(this.#flushAll);
  }

  readonly #flushAll = (): void => {
    this.#scheduled = false;
    const writers = this.#waiting;
    this.#waiting = [];
    for (const writer of writers) writer.flush();
  };
}
