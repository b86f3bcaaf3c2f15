import { type ReactElement, useEffect, useState } from "react";
import type { Conversation, OtherUpdate } from "../conversation.ts";

/** How long a toast stays, in milliseconds. */
const stay = 8_000;

/** Shows the latest update of one's own while its card is out of sight, and leads to it. */
export function Toast({ conversation }: { readonly conversation: Conversation }): ReactElement | null {
  const latest = conversation.find((entry): entry is OtherUpdate => entry.kind === "update")?.frame;
  const key = latest?.key;
  const [shownKey, setShownKey] = useState<number | undefined>();
  useEffect(() => {
    const list = document.getElementById("conversation");
    if (key === undefined || list === null || isInSight(list)) return undefined;
    const showing = requestAnimationFrame(() => setShownKey(key));
    const timer = setTimeout(() => setShownKey(undefined), stay);
    return () => {
      cancelAnimationFrame(showing);
      clearTimeout(timer);
    };
  }, [key]);
  if (latest === undefined || shownKey !== latest.key) return null;
  return (
    <a className="toast" href="#conversation" onClick={() => setShownKey(undefined)}>
      <strong>Update for you</strong> <code>{latest.type}</code>
      <span>{latest.payloadText.slice(0, 120)}</span>
    </a>
  );
}

function isInSight(element: Element): boolean {
  const { top } = element.getBoundingClientRect();
  return top > 0 && top < innerHeight - 80;
}
