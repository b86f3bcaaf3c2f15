import type { FileSink } from "bun";
import type { DestinationStream } from "pino";

/** Most bytes of lines that wait for a reader that is slow or stands still. */
const MOST_WAITING_BYTES = 262_144;

/**
 * Writes log lines to a file descriptor and never waits: a full disk, a reader that stands still or one that is gone costs
 * lines, which are counted, and nothing else. Lines are whole or missing, and what can be written is written before
 * {@link LogOutput.write} returns, so the last line before an exit is not lost.
 */
export class LogOutput implements DestinationStream {
  readonly #sink: FileSink;
  #waitingBytes = 0;
  #dropped = 0;
  #told = 0;
  /** Whether the last line may have been cut in the middle. */
  #isTorn = false;

  constructor(descriptor = 1) {
    this.#sink = Bun.file(descriptor).writer({ highWaterMark: 1 });
  }

  /** Lines that nobody took. */
  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    const text = this.#preface() + line;
    const bytes = Buffer.byteLength(text);
    if (this.#waitingBytes + bytes > MOST_WAITING_BYTES) {
      this.#dropped += 1;
      return;
    }
    try {
      const taken = this.#sink.write(text);
      // What becomes of it is what the flush says.
      if (taken instanceof Promise) taken.catch(() => {});
      const rest = this.#sink.flush();
      if (rest instanceof Promise) this.#wait(rest, bytes);
      this.#told = this.#dropped;
      this.#isTorn = false;
    } catch {
      this.#lose();
    }
  }

  #wait(rest: Promise<number>, bytes: number): void {
    this.#waitingBytes += bytes;
    rest
      .then(
        () => {},
        () => this.#lose(),
      )
      .finally(() => (this.#waitingBytes -= bytes));
  }

  #lose(): void {
    this.#dropped += 1;
    this.#isTorn = true;
  }

  /** What has to be said before the next line: that there is a hole. */
  #preface(): string {
    const newlyLost = this.#dropped - this.#told;
    if (newlyLost === 0) return this.#isTorn ? "\n" : "";
    const time = new Date().toISOString();
    const entry = {
      level: "warn",
      time,
      dropped: newlyLost,
      msg: "log lines were dropped: nobody took them",
    };
    return `${this.#isTorn ? "\n" : ""}${JSON.stringify(entry)}\n`;
  }
}
