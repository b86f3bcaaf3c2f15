import { BrokerUnavailable } from "../broker.ts";
import type { Lease, LogDraft, LogPage, LogPosition, PageLimit, UpdateLog } from "../update-log.ts";
import { ownBytes } from "./channel-name.ts";
import type { LogStore } from "./log-store.ts";

/**
 * The log of the embedded broker: a {@link LogStore}, for as long as `isOpen` says. What this process has in memory cannot
 * be lost behind its back, so doubt about one log says nothing of the others.
 */
export class MemoryLog implements UpdateLog {
  readonly #store: LogStore;
  readonly #isOpen: () => boolean;

  constructor(store: LogStore, isOpen: () => boolean) {
    this.#store = store;
    this.#isOpen = isOpen;
  }

  async append(drafts: readonly LogDraft[], lease?: Lease): Promise<readonly LogPosition[]> {
    const taken = drafts.map((draft) => ({ ...draft, frame: ownBytes(draft.frame) }));
    // A handler may append; doing that in a turn of its own keeps one order for all subscribers.
    await Promise.resolve();
    return this.#open.append(taken, lease);
  }

  async positions(targets: readonly string[]): Promise<readonly LogPosition[]> {
    return this.#open.positions(targets);
  }

  async read(target: string, after: LogPosition | "earliest", limit: PageLimit): Promise<LogPage> {
    return this.#open.read(target, after, limit);
  }

  async lease(holder: string, ttlMs: number): Promise<Lease> {
    return this.#open.lease(holder, ttlMs);
  }

  async release(holder: string): Promise<void> {
    this.#open.release(holder);
  }

  async distrust(target: string, epoch: string): Promise<void> {
    const store = this.#open;
    if (store.positions([target])[0]?.epoch === epoch) store.forget(target);
  }

  get #open(): LogStore {
    if (!this.#isOpen()) throw new BrokerUnavailable("the embedded broker is not running");
    return this.#store;
  }
}
