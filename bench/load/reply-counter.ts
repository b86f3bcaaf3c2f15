const LF = 0x0a;
const COLON = 0x3a;
const DOLLAR = 0x24;
const MINUS = 0x2d;

/** What the line that is being read is: not known yet, an answer whose rest does not matter, a text, or an error. */
type Line = "new" | "rest" | "text" | "error";

/** Counts Redis' answers to commands that are answered with a number or a short text of one line. */
export class ReplyCounter {
  /** Answers that were no error. */
  confirmed = 0;
  errors = 0;
  firstError: string | null = null;
  #line: Line = "new";
  /** Whether the line at hand says how long a text is, which then fills the next line. */
  #announces = false;
  #error: number[] = [];

  /** Counts from nothing; an answer that is half read stays so. */
  clear(): void {
    this.confirmed = 0;
    this.errors = 0;
    this.firstError = null;
  }

  /** Begins a new connection, on which nothing was read yet. */
  begin(): void {
    this.#line = "new";
    this.#announces = false;
    this.#error = [];
  }

  /** Reads what came, which may end anywhere in an answer. */
  read(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === LF) this.#end();
      else if (this.#line === "new") this.#start(byte);
      else if (this.#line === "error") this.#error.push(byte);
    }
  }

  #start(byte: number): void {
    this.#line = byte === MINUS ? "error" : "rest";
    this.#announces = byte === DOLLAR;
    if (byte === COLON) this.confirmed += 1;
  }

  #end(): void {
    if (this.#announces) {
      this.#announces = false;
      this.#line = "text";
      return;
    }
    if (this.#line === "text") this.confirmed += 1;
    if (this.#line === "error") {
      this.errors += 1;
      this.firstError ??= Buffer.from(this.#error).toString("utf8").trim();
      this.#error = [];
    }
    this.#line = "new";
  }
}
