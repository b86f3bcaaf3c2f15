import { TidingsError } from "./errors.ts";
import type { Surroundings } from "./surroundings.ts";

/** This many characters are published without waiting: an update stays small. */
const MOST_CHARACTERS = 16_384;
/** With this many characters waiting, for Redis is slow or gone, writing waits too. */
const MOST_WAITING = 262_144;

/** Joins what is written and publishes it in order. `await using` flushes it when its block ends. */
export class TokenStream implements AsyncDisposable {
  readonly #publish: (text: string) => Promise<unknown>;
  readonly #interval: number;
  readonly #sleep: Surroundings["sleep"];
  #waiting = "";
  #written = "";
  #running: Promise<void> | null = null;
  #hurry = new AbortController();
  #ended = false;
  #fault: { readonly error: unknown } | null = null;

  constructor(
    publish: (text: string) => Promise<unknown>,
    interval: number,
    { sleep }: Pick<Surroundings, "sleep">,
  ) {
    this.#publish = publish;
    this.#interval = interval;
    this.#sleep = sleep;
  }

  /** All that was written so far. */
  get text(): string {
    return this.#written;
  }

  /** Adds text; the promise keeps the writer waiting only where much of it waits for Redis. Rejects as publishing did. */
  async write(text: string): Promise<void> {
    this.#check();
    if (text === "") return;
    this.#waiting += text;
    this.#written += text;
    if (this.#waiting.length >= MOST_CHARACTERS) this.#hurry.abort();
    this.#running ??= this.#run();
    while (this.#waiting.length >= MOST_WAITING && this.#running !== null) await this.#running;
    this.#throwFault();
  }

  /** Publishes what was written so far, and resolves when it is out. */
  async flush(): Promise<void> {
    while (this.#running !== null) {
      this.#hurry.abort();
      await this.#running;
    }
    this.#throwFault();
  }

  /** Flushes, and takes nothing more. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.flush();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #check(): void {
    this.#throwFault();
    if (this.#ended) throw new TidingsError("closed", "this stream has ended");
  }

  #throwFault(): void {
    if (this.#fault !== null) throw this.#fault.error;
  }

  /** Publishes one part, or all parts that are large. */
  async #run(): Promise<void> {
    if (this.#waiting.length < MOST_CHARACTERS) await this.#sleep(this.#interval, this.#hurry.signal);
    this.#hurry = new AbortController();
    try {
      do await this.#publish(this.#take());
      while (this.#waiting.length >= MOST_CHARACTERS);
    } catch (error) {
      this.#fault = { error };
      this.#waiting = "";
    }
    this.#running = this.#waiting === "" ? null : this.#run();
  }

  #take(): string {
    let length = Math.min(this.#waiting.length, MOST_CHARACTERS);
    // A character of two code units stays whole.
    if (length < this.#waiting.length && /[\uD800-\uDBFF]/.test(this.#waiting[length - 1] ?? "")) length -= 1;
    const part = this.#waiting.slice(0, length);
    this.#waiting = this.#waiting.slice(length);
    return part;
  }
}
