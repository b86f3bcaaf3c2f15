import { advance, type Conversation, isOpen, type Run, type RunUpdate } from "./run.ts";

/** What happened to a run while the page was open. */
export type RunEvent = { readonly kind: "step" | "ended"; readonly run: Run };

/**
 * All runs of the user, kept from what the page was rendered with and the updates that follow. Whatever came twice is
 * taken once; where one is missing, the rest waits until `refresh` has read the conversation anew.
 */
export class ConversationStore {
  readonly #runs = new Map<string, Run>();
  readonly #refresh: () => Promise<Conversation>;
  readonly #listeners = new Set<() => void>();
  readonly #watchers = new Set<(event: RunEvent) => void>();
  /** Updates after a hole, until what is missing is here. */
  #held: RunUpdate[] = [];
  #isStale = false;
  #isReloading = false;
  #shown: readonly Run[] = [];
  #isScheduled = false;

  constructor(initial: Conversation, refresh: () => Promise<Conversation>) {
    this.#refresh = refresh;
    for (const run of initial.runs) this.#runs.set(run.run, run);
    this.#shown = initial.runs;
  }

  /** Oldest first; the same array until something has changed, and the same run until it has. */
  get = (): readonly Run[] => this.#shown;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Tells what happens, each thing once and in order. Returns what stops it. */
  watch(watcher: (event: RunEvent) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Takes one update of the agent. */
  take(update: RunUpdate): void {
    const before = this.#runs.get(update.payload.run);
    const after = advance(before, update);
    if (after === null) {
      this.#held.push(update);
      if (!this.#isReloading) void this.reload();
      return;
    }
    if (after === before) return;
    this.#runs.set(after.run, after);
    this.#change();
    if (update.type === "agent_step") this.#tell({ kind: "step", run: after });
    if (!isOpen(after)) this.#tell({ kind: "ended", run: after });
  }

  /** Shows a question that was asked here, or what became of asking it, as long as the agent has said nothing. */
  put(run: Run): void {
    if ((this.#runs.get(run.run)?.n ?? 0) > 0) return;
    this.#runs.set(run.run, run);
    this.#change();
  }

  /** Reads the conversation anew: after a gap, and where an update is missing. */
  async reload(): Promise<void> {
    this.#isStale = true;
    if (this.#isReloading) return;
    this.#isReloading = true;
    try {
      while (this.#isStale) {
        this.#isStale = false;
        await this.#reload();
      }
    } finally {
      this.#isReloading = false;
    }
  }

  async #reload(): Promise<void> {
    const { runs } = await this.#refresh();
    for (const run of runs) {
      const before = this.#runs.get(run.run);
      if (before !== undefined && before.n >= run.n) continue;
      this.#runs.set(run.run, run);
      if (before !== undefined && isOpen(before) && !isOpen(run)) this.#tell({ kind: "ended", run });
    }
    this.#change();
    const held = this.#held;
    this.#held = [];
    // What still does not fit belongs to a run that is too old to be shown.
    for (const update of held) {
      if (advance(this.#runs.get(update.payload.run), update) !== null) this.take(update);
    }
  }

  #tell(event: RunEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }

  #change(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#shown = [...this.#runs.values()].toSorted((one, other) => one.started - other.started);
      for (const listener of this.#listeners) listener();
    });
  }
}
