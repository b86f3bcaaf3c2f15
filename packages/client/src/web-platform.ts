import type { ChannelLike, LocksLike, PageSignal, Platform, SocketLike } from "./platform.ts";

/** The globals that are used, each of which may be missing outside a browser. */
interface Globals {
  readonly WebSocket: new (url: string, protocols: string[]) => SocketLike;
  readonly BroadcastChannel?: new (name: string) => ChannelLike;
  readonly document?: { readonly visibilityState: string; readonly baseURI: string };
  readonly navigator?: { readonly locks?: LocksLike };
  readonly localStorage?: {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
  };
  readonly addEventListener?: (
    name: string,
    run: (event: Event) => void,
    options: { readonly signal: AbortSignal },
  ) => void;
}

/** The browser's, Node's, Bun's or Deno's own time, network and page. Touches nothing before it is used. */
export function webPlatform(): Platform {
  const globals = globalThis as unknown as Globals;
  const { document: page, navigator, BroadcastChannel } = globals;
  const locks = navigator?.locks;
  return {
    now: Date.now,
    random: Math.random,
    after(ms, run) {
      // A longer delay would fire at once.
      const timer = setTimeout(run, Math.min(ms, 2 ** 31 - 1));
      return () => clearTimeout(timer);
    },
    base: page?.baseURI,
    socket: (url, protocols) => new globals.WebSocket(url, protocols),
    fetch: (url, init) => fetch(url, init),
    listen: (run) => listen(globals, run),
    hidden: () => page?.visibilityState === "hidden",
    report(error) {
      setTimeout(() => {
        throw error;
      });
    },
    // Storage throws where the visitor forbids it.
    remember(key, value) {
      try {
        if (page) globals.localStorage?.setItem(key, value);
      } catch {}
    },
    recall(key) {
      try {
        return page ? (globals.localStorage?.getItem(key) ?? null) : null;
      } catch {
        return null;
      }
    },
    sharing:
      page && locks && BroadcastChannel ? { locks, channel: (name) => new BroadcastChannel(name) } : null,
  };
}

function listen(globals: Globals, run: (signal: PageSignal) => void): () => void {
  const stop = new AbortController();
  const onEvent = ({ type, persisted }: Event & { readonly persisted?: boolean }): void => {
    // Of a page that is shown or left, only the back/forward cache is of interest.
    if (!persisted && type.startsWith("page")) return;
    if (type === "pagehide") run("sleep");
    else if (globals.document?.visibilityState !== "hidden") run("wake");
  };
  // "offline" wakes too: a connection that stands is asked whether it still lives, long before its heartbeat would ask.
  for (const name of ["online", "offline", "pageshow", "pagehide", "visibilitychange"]) {
    globals.addEventListener?.(name, onEvent, stop);
  }
  return () => stop.abort();
}
