import type { Writer, WriteQueue } from "./write-queue.ts";

/** Someone for whom bytes may wait. */
export interface Debtor {
  /** Bytes that wait. Kept here, since a map of counts would cost more; the budget's own. */
  waitingBytes: number;
  /** Lets go of what waits and ends the connection; cuts it where it is ending already. Must not throw. */
  shed(): void;
}

/** What a budget works with. */
export interface OutboxBudgetOptions {
  /** Most bytes that may wait for all clients together. */
  readonly limitBytes: number;
  readonly writes: WriteQueue;
  /** Called when clients were shed, with how many. */
  readonly onShed: (clients: number) => void;
}

/** Shedding ends at this share of the limit, so that a relay at its limit does not look for the worst at every frame. */
const RELIEF = 0.9;

/**
 * Bounds what waits for all clients whose network takes no more. Over the bound, those with the most waiting are shed, the
 * worst first, once the input at hand has been handled; clients that keep up have nothing waiting, and are never looked at.
 * A text that waits for many clients counts for each of them, though memory holds it once.
 */
export class OutboxBudget implements Writer {
  readonly #options: OutboxBudgetOptions;
  readonly #debtors = new Set<Debtor>();
  #waitingBytes = 0;
  #isQueued = false;

  constructor(options: OutboxBudgetOptions) {
    this.#options = options;
  }

  /** Bytes that wait for all clients together. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Notes how many bytes wait for a client. Never throws; what it causes comes later. */
  note(debtor: Debtor, bytes: number): void {
    this.#waitingBytes += bytes - debtor.waitingBytes;
    debtor.waitingBytes = bytes;
    if (bytes > 0) this.#debtors.add(debtor);
    else this.#debtors.delete(debtor);
    if (this.#waitingBytes <= this.#options.limitBytes || this.#isQueued) return;
    this.#isQueued = true;
    this.#options.writes.add(this);
  }

  /** Sheds, if there is still too much. */
  flush(): void {
    this.#isQueued = false;
    const { limitBytes, onShed } = this.#options;
    if (this.#waitingBytes <= limitBytes) return;
    const worstFirst = [...this.#debtors].toSorted((one, other) => other.waitingBytes - one.waitingBytes);
    let shed = 0;
    for (const debtor of worstFirst) {
      if (this.#waitingBytes <= limitBytes * RELIEF) break;
      debtor.shed();
      shed += 1;
    }
    onShed(shed);
  }
}
