/** How long a batch waits at most, in milliseconds: a hidden tab has no animation frames. */
const longestWait = 250;

/** Collects what comes in a burst and hands it over once for each animation frame. */
export class FrameBatch<Item> {
  readonly #flush: (items: readonly Item[]) => void;
  #items: Item[] = [];
  #cancel: (() => void) | null = null;

  constructor(flush: (items: readonly Item[]) => void) {
    this.#flush = flush;
  }

  /** Adds one item to the batch. */
  add(item: Item): void {
    this.#items.push(item);
    if (this.#cancel !== null) return;
    const frame = requestAnimationFrame(() => this.flush());
    const timer = setTimeout(() => this.flush(), longestWait);
    this.#cancel = () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }

  /** Hands over what is there now. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = null;
    const items = this.#items;
    this.#items = [];
    if (items.length > 0) this.#flush(items);
  }
}
