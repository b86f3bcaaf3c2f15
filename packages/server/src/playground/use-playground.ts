import { useCallback, useEffect, useReducer, useRef, useState } from "react";
import { type ConnectionStatus, RelayConnection } from "./connection.ts";
import { FrameBatch } from "./frame-batch.ts";
import { emptyPlayground, type PlaygroundState, reducePlayground } from "./playground-state.ts";
import { readFrame, type ReceivedFrame } from "./received-frame.ts";

/** The page's state, and what a person can do. */
export interface Playground {
  readonly status: ConnectionStatus;
  readonly state: PlaygroundState;
  /** Sends a question; false where the page is offline. */
  readonly ask: (question: string) => boolean;
  /** Asks the worker to stop a run. */
  readonly stop: (run: string) => void;
  readonly clearFeed: () => void;
  readonly retryNow: () => void;
}

/** Connects as `user` for as long as the component lives. */
export function usePlayground(user: string): Playground {
  const [status, setStatus] = useState<ConnectionStatus>({ kind: "connecting" });
  const [state, dispatch] = useReducer(reducePlayground, emptyPlayground);
  const connection = useRef<RelayConnection | null>(null);

  useEffect(() => {
    let count = 0;
    const batch = new FrameBatch<ReceivedFrame>((frames) => dispatch({ kind: "frames", frames }));
    const relay = new RelayConnection({
      url: socketUrl(user),
      onFrame: (text) => batch.add(readFrame(text, ++count, Date.now())),
      onStatus: (next) => {
        batch.flush();
        if (next.kind === "offline") dispatch({ kind: "connection-lost" });
        setStatus(next);
      },
    });
    connection.current = relay;
    const retryNow = (): void => relay.retryNow();
    addEventListener("online", retryNow);
    return () => {
      removeEventListener("online", retryNow);
      relay.close();
      connection.current = null;
    };
  }, [user]);

  const ask = useCallback((question: string): boolean => {
    const run = newRunId();
    const isSent = connection.current?.send({ type: "ask", id: run, payload: { question, run } }) ?? false;
    if (isSent) dispatch({ kind: "asked", run, question, at: Date.now() });
    return isSent;
  }, []);
  const stop = useCallback(
    (run: string) => void connection.current?.send({ type: "cancel", payload: { run } }),
    [],
  );
  const clearFeed = useCallback(() => dispatch({ kind: "feed-cleared" }), []);
  const retryNow = useCallback(() => connection.current?.retryNow(), []);
  return { status, state, ask, stop, clearFeed, retryNow };
}

function socketUrl(user: string): string {
  const url = new URL("/ws", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = new URLSearchParams({ user_id: user }).toString();
  return url.href;
}

/** `crypto.randomUUID` is missing where a page is served over plain HTTP from another machine. */
function newRunId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
