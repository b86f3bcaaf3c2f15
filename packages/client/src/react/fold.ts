import type { Unsubscribe } from "../listeners.ts";
import type { Update } from "../update.ts";
import { Follower } from "./follower.ts";
import { attempt } from "./report.ts";
import type { Store } from "./store.ts";

/** A state made of updates by a reducer, for `useSyncExternalStore`: it is told once for all that came together. */
export class Fold<State> {
  readonly #store: Store;
  readonly #initial: State;
  readonly #follower: Follower;
  #state: State;
  #onChange: () => void = () => {};

  constructor(
    store: Store,
    type: string,
    initial: State,
    since: string | null,
    reduce: (state: State, update: Update) => State,
  ) {
    this.#store = store;
    this.#initial = initial;
    this.#state = initial;
    this.#follower = new Follower(type, since, {
      update: (update) => {
        attempt(() => {
          this.#state = reduce(this.#state, update);
        });
      },
      settled: () => this.#onChange(),
    });
  }

  /** The state of now. */
  readonly get = (): State => this.#state;

  /** The state that the server rendered. */
  readonly getInitial = (): State => this.#initial;

  readonly subscribe = (onChange: () => void): Unsubscribe => {
    this.#onChange = onChange;
    return this.#store.follow(this.#follower);
  };
}
