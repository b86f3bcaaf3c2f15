import { useEffect, useSyncExternalStore } from "react";
import type { Gap, Status, Tidings, TokenSource, Update, UpdateOf } from "../index.ts";
import { Fold } from "./fold.ts";
import { Follower } from "./follower.ts";
import type { Events, Messages } from "./register.ts";
import { attempt } from "./report.ts";
import { UNOPENED } from "./store.ts";
import { useStore } from "./store-context.ts";
import { useLatest } from "./use-latest.ts";
import { useMade } from "./use-made.ts";

/** From where a hook begins. */
export interface FollowOptions {
  /**
   * The place of the state that the component was given by the server: `startingOffset`, asked before that state was
   * loaded. What came since is told first. Without it, the hook begins with what is new once it is mounted. What counts is
   * the first one.
   */
  readonly since?: string | null;
}

type EventType = Extract<keyof Events, string>;

/** Makes the next state of the one before and an update. Must not change the one before. */
type Reducer<State, K extends EventType> = (
  state: State,
  payload: Events[K],
  update: Update<K, Events[K]>,
) => State;

/** As {@link Reducer}, of updates of all types. */
type AnyReducer<State> = (state: State, payload: unknown, update: UpdateOf<Events>) => State;

/**
 * Calls `handler` with every update of a type, or of all (`"*"`): each once, in order, and those that came since the last
 * frame together, so that what they change is rendered once. It renders nothing by itself.
 */
export function useUpdate<K extends EventType>(
  type: K,
  handler: (payload: Events[K], update: Update<K, Events[K]>) => void,
  options?: FollowOptions,
): void;
export function useUpdate(
  type: "*",
  handler: (payload: unknown, update: UpdateOf<Events>) => void,
  options?: FollowOptions,
): void;
export function useUpdate(
  type: string,
  handler: (payload: never, update: never) => void,
  { since = null }: FollowOptions = {},
): void {
  const store = useStore();
  const latest = useLatest(handler);
  const make = (): Follower =>
    new Follower(type, since, {
      update: (update) => attempt(() => latest.current(update.payload as never, update as never)),
      settled: () => {},
    });
  const follower = useMade(make, [store, type]);
  useEffect(() => store.follow(follower), [store, follower]);
}

/**
 * A state made of the updates of a type, or of all (`"*"`), by a reducer, beginning with `initial`. The component renders
 * at most once a frame however many came, and once for a whole replay.
 */
export function useUpdates<State, K extends EventType>(
  type: K,
  reducer: Reducer<State, K>,
  initial: State,
  options?: FollowOptions,
): State;
export function useUpdates<State>(
  type: "*",
  reducer: AnyReducer<State>,
  initial: State,
  options?: FollowOptions,
): State;
export function useUpdates<State>(
  type: string,
  reducer: (state: State, payload: never, update: never) => State,
  initial: State,
  { since = null }: FollowOptions = {},
): State {
  const store = useStore();
  const latest = useLatest(reducer);
  const make = (): Fold<State> =>
    new Fold(store, type, initial, since, (state, update) =>
      latest.current(state, update.payload as never, update as never),
    );
  const fold = useMade(make, [store, type]);
  return useSyncExternalStore(fold.subscribe, fold.get, fold.getInitial);
}

/** How the connection stands; it changes once a frame at most. */
export function useStatus(): Status {
  const store = useStore();
  return useSyncExternalStore(store.onStatus, store.status, () => UNOPENED);
}

/**
 * Calls `handler` where updates were missed that will not come. Whoever shows a state loads it anew there, with another
 * `key` for what it began with.
 */
export function useGap(handler: (gap: Gap) => void): void {
  const store = useStore();
  const latest = useLatest(handler);
  useEffect(() => store.onGap((gap) => latest.current(gap)), [store, latest]);
}

/** The function that sends a message to the workers; it stays the same. See `send` of the connection. */
export function useSend(): Tidings<Events, Messages>["send"] {
  return useStore().send;
}

/** The function that tries again at once, also after the relay refused; it stays the same. */
export function useReconnect(): (token?: TokenSource) => void {
  return useStore().reconnect;
}
