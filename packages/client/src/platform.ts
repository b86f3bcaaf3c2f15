/** The part of a WebSocket that is used. */
export interface SocketLike {
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
  send(text: string): void;
  close(code?: number): void;
}

/** A lock over all tabs of an origin, as `navigator.locks` gives it. */
export interface LocksLike {
  request(
    name: string,
    options: { signal?: AbortSignal; steal?: boolean },
    run: () => Promise<void>,
  ): Promise<unknown>;
}

/** A channel between all tabs of an origin, as `BroadcastChannel`. */
export interface ChannelLike {
  onmessage: ((event: never) => unknown) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** What can let tabs share one connection. */
export interface Sharing {
  readonly locks: LocksLike;
  channel(name: string): ChannelLike;
}

/**
 * What happens around a page. `wake`: the network or the page may be back (online, visible, shown from the back/forward
 * cache), or the network may be gone (offline): in each case a connection that stands is asked whether it lives, and one
 * that waits is tried. `sleep`: the page is put into that cache.
 */
export type PageSignal = "wake" | "sleep";

/** All that the SDK takes from its surroundings, so that tests own time, chance, network and page. */
export interface Platform {
  /** Wall-clock time in milliseconds since 1970; it may jump. */
  now(): number;
  /** A number in [0, 1). */
  random(): number;
  /** Calls `run` once after `ms`, and returns what stops that. */
  after(ms: number, run: () => void): () => void;
  /** What relative addresses are relative to, or undefined outside a page. */
  readonly base: string | undefined;
  /** Opens a WebSocket. Throws where it cannot even begin. */
  socket(url: string, protocols: string[]): SocketLike;
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Calls `run` on each signal, and returns what stops that. */
  listen(run: (signal: PageSignal) => void): () => void;
  /** Whether the page is hidden, so that its timers may fire late without the machine having slept. */
  hidden(): boolean;
  /** Takes an error of the application's own code, which must not stop the SDK. */
  report(error: unknown): void;
  /** Remembers a text over page loads, best effort; an empty one is as good as none. */
  remember(key: string, value: string): void;
  /** What was remembered. */
  recall(key: string): string | null;
  /** Null where tabs cannot share, or there are none. */
  readonly sharing: Sharing | null;
}
