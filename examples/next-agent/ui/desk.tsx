"use client";

import { TidingsProvider } from "@tidings/client/react";
import { usePathname } from "next/navigation";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import type { Conversation } from "../live/run.ts";
import { useAgent } from "../live/use-agent.ts";
import { useConversationStore, useRuns } from "../live/use-conversation.ts";
import type { User } from "../server/users.ts";
import { Announcer } from "./announcer.tsx";
import { ConnectionStatus } from "./connection-status.tsx";
import style from "./desk.module.css";
import { MenuIcon } from "./icons.tsx";
import { show } from "./local-link.tsx";
import { Sidebar } from "./sidebar.tsx";
import { Thread } from "./thread.tsx";
import { threadsOf } from "./threads.ts";
import { Toasts } from "./toasts.tsx";

/** What the server renders a page with. */
export interface DeskProps {
  readonly user: User;
  readonly relayUrl: string;
  /** From where to follow the user's updates. */
  readonly place: string;
  readonly conversation: Conversation;
  readonly signOut: () => Promise<void>;
}

/** The whole application of a user who is signed in, connected. */
export function Desk(props: DeskProps): ReactNode {
  return (
    <TidingsProvider url={props.relayUrl} token={readTicket} since={props.place}>
      <ConnectedDesk {...props} />
    </TidingsProvider>
  );
}

/** Asks the application's server for a token, which it makes from the session. */
async function readTicket(): Promise<string> {
  const response = await fetch("/api/ticket", { method: "POST" });
  if (response.status === 401) location.assign("/sign-in");
  if (!response.ok) throw new Error(`no ticket: status ${response.status}`);
  return response.text();
}

function ConnectedDesk({ user, conversation, signOut }: DeskProps): ReactNode {
  const store = useConversationStore(conversation);
  const runs = useRuns(store);
  const agent = useAgent(store);
  // Where the drawer was opened: whatever is chosen in it leads elsewhere.
  const [drawerAt, setDrawerAt] = useState<string | null>(null);
  const [fresh, setFresh] = useState(0);
  const path = usePathname();
  const threadId = path.startsWith("/c/") ? decodeURIComponent(path.slice("/c/".length)) : null;
  const threads = threadsOf(runs);
  const thread = threads.find(({ id }) => id === threadId) ?? null;

  const here = `${path} ${fresh}`;
  const ask = useCallback(
    (question: string) => {
      const id = threadId ?? crypto.randomUUID();
      agent.ask(id, question);
      if (threadId === null) show(`/c/${id}`);
    },
    [agent, threadId],
  );
  const sidebar = (
    <Sidebar
      user={user}
      threads={threads}
      current={threadId}
      agent={agent}
      signOut={signOut}
      onNew={() => setFresh((count) => count + 1)}
    />
  );
  return (
    <div className={style["desk"]}>
      <title>{thread === null ? "Quill" : `${thread.title} · Quill`}</title>
      <div className={style["sidebar"]}>{sidebar}</div>
      {drawerAt === here && <Drawer onClose={() => setDrawerAt(null)}>{sidebar}</Drawer>}
      <div className={style["page"]}>
        <header className={style["bar"]}>
          <button
            className={style["menu"]}
            type="button"
            aria-label="Conversations"
            onClick={() => setDrawerAt(here)}
          >
            <MenuIcon />
          </button>
          <h1 className={style["title"]}>{thread?.title ?? "New question"}</h1>
          <ConnectionStatus />
        </header>
        <Thread
          key={threadId ?? `new ${fresh}`}
          thread={thread}
          isUnknown={threadId !== null && thread === null}
          userName={user.name}
          agent={agent}
          ask={ask}
        />
      </div>
      <Toasts store={store} currentThread={threadId} />
      <Announcer store={store} />
    </div>
  );
}

/** The sidebar where there is no room beside the page. */
function Drawer({
  onClose,
  children,
}: {
  readonly onClose: () => void;
  readonly children: ReactNode;
}): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className={style["drawer"]}
      aria-label="Conversations"
      closedby="any"
      onClose={onClose}
    >
      {children}
    </dialog>
  );
}
