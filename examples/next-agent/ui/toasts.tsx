"use client";

import { useUpdate } from "@tidings/client/react";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import type { ConversationStore, RunEvent } from "../live/conversation-store.ts";
import type { AgentEvents } from "../live/run.ts";
import { useRunEvents } from "../live/use-conversation.ts";
import { CheckIcon, CloseIcon, MegaphoneIcon } from "./icons.tsx";
import { LocalLink } from "./local-link.tsx";
import style from "./toasts.module.css";

interface Toast {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** Where it leads; an announcement leads nowhere. */
  readonly href?: string;
}

const most = 3;
const shownMs = 8_000;

/** What everybody is told, and answers that became ready in another conversation. */
export function Toasts({
  store,
  currentThread,
}: {
  readonly store: ConversationStore;
  readonly currentThread: string | null;
}): ReactNode {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const add = useCallback((toast: Toast) => {
    setToasts((shown) => (shown.some(({ id }) => id === toast.id) ? shown : [...shown, toast].slice(-most)));
  }, []);
  const remove = useCallback(
    (gone: string) => setToasts((shown) => shown.filter(({ id }) => id !== gone)),
    [],
  );

  useUpdate("announcement", ({ id, text, from }: AgentEvents["announcement"]) => {
    add({ id, title: from, text });
  });
  useRunEvents(
    store,
    useCallback(
      ({ kind, run }: RunEvent) => {
        if (kind !== "ended" || run.state !== "done" || run.thread === currentThread) return;
        add({ id: run.run, title: "Answer ready", text: run.question, href: `/c/${run.thread}` });
      },
      [add, currentThread],
    ),
  );
  return (
    <section className={style["toasts"]} aria-label="Notifications" aria-live="polite">
      {toasts.map((toast) => (
        <ToastView key={toast.id} toast={toast} onGone={remove} />
      ))}
    </section>
  );
}

function ToastView({
  toast,
  onGone,
}: {
  readonly toast: Toast;
  readonly onGone: (id: string) => void;
}): ReactNode {
  const [isHeld, setIsHeld] = useState(false);
  useEffect(() => {
    if (isHeld) return undefined;
    const timer = setTimeout(onGone, shownMs, toast.id);
    return () => clearTimeout(timer);
  }, [isHeld, onGone, toast.id]);
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- it only waits while it is read
    <div
      className={style["toast"]}
      onMouseEnter={() => setIsHeld(true)}
      onMouseLeave={() => setIsHeld(false)}
      onFocus={() => setIsHeld(true)}
      onBlur={() => setIsHeld(false)}
    >
      <span className={style["mark"]} data-kind={toast.href === undefined ? "announcement" : "answer"}>
        {toast.href === undefined ? <MegaphoneIcon /> : <CheckIcon />}
      </span>
      <div className={style["words"]}>
        <p className={style["title"]}>{toast.title}</p>
        <p className={style["text"]}>{toast.text}</p>
        {toast.href !== undefined && (
          <LocalLink href={toast.href} className={style["link"]} onClick={() => onGone(toast.id)}>
            Show it
          </LocalLink>
        )}
      </div>
      <button className={style["close"]} type="button" aria-label="Dismiss" onClick={() => onGone(toast.id)}>
        <CloseIcon />
      </button>
    </div>
  );
}
