import { TidingsError } from "./errors.ts";

/** How many updates may wait for a loop that does not take them. */
const MOST_WAITING = 10_000;

/** Updates that wait for a `for await` loop. */
export class UpdateQueue<T> implements AsyncIterableIterator<T> {
  readonly #waiting: T[] = [];
  readonly #takers: ((result: IteratorResult<T>) => void)[] = [];
  readonly #onEnd: () => void;
  #isEnded = false;
  #error: TidingsError | null = null;

  /** `onEnd` is called once, when nothing more is wanted. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Adds one. A loop that falls too far behind gets an error in place of a hole. */
  push(value: T): void {
    const taker = this.#takers.shift();
    if (taker) taker({ done: false, value });
    else if (this.#waiting.push(value) > MOST_WAITING) {
      this.#waiting.length = 0;
      this.#error = new TidingsError("too_many");
      this.end();
    }
  }

  /** Ends the loop after what waits. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onEnd();
    for (const taker of this.#takers.splice(0)) taker({ done: true, value: undefined });
  }

  async next(): Promise<IteratorResult<T>> {
    if (this.#waiting.length > 0) return { done: false, value: this.#waiting.shift() as T };
    const error = this.#error;
    this.#error = null;
    if (error) throw error;
    return this.#isEnded ? this.return() : new Promise((resolve) => this.#takers.push(resolve));
  }

  async return(): Promise<IteratorResult<T>> {
    this.#waiting.length = 0;
    this.end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
