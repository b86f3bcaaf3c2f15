import type { ReactNode } from "react";
import { isOpen } from "../live/run.ts";
import type { Agent } from "../live/use-agent.ts";
import type { User } from "../server/users.ts";
import { Account } from "./account.tsx";
import { Logo, PlusIcon } from "./icons.tsx";
import { Jobs } from "./jobs.tsx";
import { LocalLink } from "./local-link.tsx";
import style from "./sidebar.module.css";
import type { ThreadOfRuns } from "./threads.ts";

/** What is being worked on, all conversations, and the account. */
export function Sidebar({
  user,
  threads,
  current,
  agent,
  signOut,
  onNew,
}: {
  readonly user: User;
  readonly threads: readonly ThreadOfRuns[];
  readonly current: string | null;
  readonly agent: Agent;
  readonly signOut: () => Promise<void>;
  readonly onNew: () => void;
}): ReactNode {
  const jobs = threads.flatMap(({ runs }) => runs.filter(isOpen));
  return (
    <nav className={style["sidebar"]} aria-label="Conversations">
      <div className={style["brand"]}>
        <Logo className={style["logo"]} />
        <span>Quill</span>
      </div>
      <LocalLink href="/" className={style["new"]} onClick={onNew}>
        <PlusIcon />
        New question
      </LocalLink>
      <div className={style["scroll"]}>
        {jobs.length > 0 && <Jobs jobs={jobs} agent={agent} />}
        <h2 className={style["heading"]}>Conversations</h2>
        {threads.length === 0 && <p className={style["empty"]}>Your questions will be kept here.</p>}
        <ul className={style["threads"]}>
          {threads.map((thread) => (
            <li key={thread.id}>
              <LocalLink
                href={`/c/${thread.id}`}
                className={style["thread"]}
                aria-current={thread.id === current ? "page" : undefined}
              >
                <span>{thread.title}</span>
                {thread.isOpen && (
                  <span className={style["working"]}>
                    <span className="visually-hidden">, being answered</span>
                  </span>
                )}
              </LocalLink>
            </li>
          ))}
        </ul>
      </div>
      <Account user={user} signOut={signOut} />
    </nav>
  );
}
