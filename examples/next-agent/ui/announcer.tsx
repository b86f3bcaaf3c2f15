"use client";

import { type ReactNode, useCallback, useState } from "react";
import type { ConversationStore, RunEvent } from "../live/conversation-store.ts";
import { useRunEvents } from "../live/use-conversation.ts";

/** Tells screen readers what the agent does, and an answer's end; never the answer piece by piece. */
export function Announcer({ store }: { readonly store: ConversationStore }): ReactNode {
  const [text, setText] = useState("");
  useRunEvents(
    store,
    useCallback((event: RunEvent) => setText(announcementOf(event)), []),
  );
  return <output className="visually-hidden">{text}</output>;
}

function announcementOf({ kind, run }: RunEvent): string {
  if (kind === "step") return run.steps.at(-1) ?? "";
  if (run.state === "failed") return run.message ?? "The answer failed.";
  return `The answer is complete, with ${run.sources.length} sources.`;
}
