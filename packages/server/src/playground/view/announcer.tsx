import { type ReactElement, useEffect, useRef, useState } from "react";
import type { Conversation, Entry } from "../conversation.ts";
import { spokenText } from "../markup.ts";

const longestAnnouncement = 600;

/** Tells screen readers what began and what ended: an answer once, when it is whole, never piece by piece. */
export function Announcer({ conversation }: { readonly conversation: Conversation }): ReactElement {
  const [text, setText] = useState("");
  const before = useRef<ReadonlyMap<string, string>>(new Map());
  useEffect(() => {
    const now = new Map(conversation.map((entry) => [keyOf(entry), stateOf(entry)]));
    const changed = conversation.find((entry) => before.current.get(keyOf(entry)) !== stateOf(entry));
    before.current = now;
    const news = changed === undefined ? "" : announcement(changed);
    if (news !== "") setText(news);
  }, [conversation]);
  return (
    <p className="visually-hidden" aria-live="polite" aria-atomic="true">
      {text}
    </p>
  );
}

function keyOf(entry: Entry): string {
  return entry.kind === "run" ? `run ${entry.id}` : `update ${entry.frame.key}`;
}

function stateOf(entry: Entry): string {
  return entry.kind === "run" ? entry.status : "arrived";
}

function announcement(entry: Entry): string {
  if (entry.kind === "update")
    return `Update for you: ${entry.frame.type}. ${entry.frame.payloadText.slice(0, 200)}`;
  switch (entry.status) {
    case "working":
      return `The worker works on: ${entry.question ?? "a question from before"}`;
    case "finished":
      return `Answer: ${spokenText(entry.answer).slice(0, longestAnnouncement)}`;
    case "stopped":
      return "The run was stopped.";
    case "failed":
      return entry.failure ?? "The run failed.";
    case "sent":
    case "taken":
    case "interrupted":
    default:
      return "";
  }
}
