/** The largest of the last observations: at least `span` of them, and fewer than twice as many. */
export class RecentMax {
  readonly #span: number;
  #count = 0;
  #before = 0;
  #now = 0;

  constructor(span: number) {
    this.#span = span;
  }

  /** 0 where nothing was observed. */
  get longest(): number {
    return Math.max(this.#before, this.#now);
  }

  /** Takes an observation, which is not negative. */
  add(value: number): void {
    if (this.#count === this.#span) {
      this.#count = 0;
      this.#before = this.#now;
      this.#now = 0;
    }
    this.#count += 1;
    if (value > this.#now) this.#now = value;
  }
}
