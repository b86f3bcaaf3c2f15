import { onAbort } from "./abort.ts";

/** Stops what it was returned for. Calling it twice does nothing. */
export type Unsubscribe = () => void;

/** A function that takes what is told. */
export type Listener = (...told: readonly unknown[]) => void;

/** Who wants to know what, by name. */
export class Listeners {
  readonly #byName = new Map<string, Set<{ readonly call: Listener }>>();
  readonly #report: (error: unknown) => void;

  /** `report` gets what a listener throws: one must not keep the others from hearing. */
  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Calls `call` each time `name` is told, until the returned function is called or `signal` aborts. */
  on(name: string, call: Listener, signal?: AbortSignal): Unsubscribe {
    const entries = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, entries);
    const entry = { call };
    const stop = (): void => {
      entries.delete(entry);
      forget();
    };
    const forget = onAbort(signal, stop);
    if (!signal?.aborted) entries.add(entry);
    return stop;
  }

  /** Tells all who listen to `name` now, in the order in which they came. */
  tell(name: string, ...told: readonly unknown[]): void {
    for (const { call } of Array.from(this.#byName.get(name) ?? [])) {
      try {
        call(...told);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}
