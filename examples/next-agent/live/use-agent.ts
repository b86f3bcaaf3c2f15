"use client";

import { useGap, useSend, useUpdate } from "@tidings/client/react";
import { useCallback, useMemo, useState } from "react";
import type { ConversationStore } from "./conversation-store.ts";
import { deliver } from "./messages.ts";
import { newRun, type Run, type RunUpdate } from "./run.ts";
import { useRunEvents } from "./use-conversation.ts";

const runTypes: ReadonlySet<string> = new Set([
  "agent_started",
  "agent_step",
  "agent_source",
  "agent_token",
  "agent_finished",
  "agent_failed",
]);

/** After how long a question that the agent has not taken counts as not sent, in milliseconds. */
const answerTimeoutMs = 15_000;
/** After how long a stop that had no effect may be asked for again, in milliseconds. */
const stopAgainMs = 4_000;

/** What a user can have the agent do. */
export interface Agent {
  /** Asks in a conversation, which may be new. */
  readonly ask: (thread: string, question: string) => void;
  /** Asks once more what did not get through. */
  readonly askAgain: (run: Run) => void;
  readonly stop: (run: string) => void;
  /** The runs that were asked to stop and have not yet. */
  readonly stopping: ReadonlySet<string>;
}

/** Feeds the store from the connection, and gives what a user can do. */
export function useAgent(store: ConversationStore): Agent {
  const [stopping, setStopping] = useState<ReadonlySet<string>>(new Set());
  const send = useSend();

  useUpdate("*", (_payload, update) => {
    if (runTypes.has(update.type)) store.take(update as RunUpdate);
  });
  useGap(() => void store.reload());

  const settle = useCallback((run: string) => setStopping((set) => without(set, run)), []);
  useRunEvents(
    store,
    useCallback(({ kind, run }) => kind === "ended" && settle(run.run), [settle]),
  );

  const askAgain = useCallback(
    (run: Run) => {
      store.put({ ...run, state: "sending" });
      const giveUp = (): void => store.put({ ...run, state: "unsent" });
      const { thread, question } = run;
      deliver(send, "ask", { run: run.run, thread, question }).then(
        () => setTimeout(giveUp, answerTimeoutMs),
        giveUp,
      );
    },
    [store, send],
  );
  const ask = useCallback(
    (thread: string, question: string) => {
      askAgain(newRun(crypto.randomUUID(), thread, question, Date.now()));
    },
    [askAgain],
  );
  const stop = useCallback(
    (run: string) => {
      setStopping((set) => new Set(set).add(run));
      deliver(send, "cancel", { run }).then(
        () => setTimeout(settle, stopAgainMs, run),
        () => settle(run),
      );
    },
    [send, settle],
  );
  return useMemo(() => ({ ask, askAgain, stop, stopping }), [ask, askAgain, stop, stopping]);
}

function without(set: ReadonlySet<string>, run: string): ReadonlySet<string> {
  if (!set.has(run)) return set;
  const rest = new Set(set);
  rest.delete(run);
  return rest;
}
