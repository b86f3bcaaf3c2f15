import { userIdFault } from "@tidings/protocol";
import { type FormEvent, type ReactElement, useState } from "react";
import type { ConnectionStatus } from "../connection.ts";
import { useNow } from "./use-now.ts";

/** What the header shows and passes on. */
export interface HeaderProps {
  readonly user: string;
  readonly status: ConnectionStatus;
  readonly onSwitch: (user: string) => void;
  readonly onRetry: () => void;
}

/** The page's name, whether it is connected, and as whom. */
export function Header({ user, status, onSwitch, onRetry }: HeaderProps): ReactElement {
  return (
    <header className="header">
      <div className="header-row">
        <h1 className="brand">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="8" />
            <path d="M7 12.5c3-3.4 6-3.4 9 0s6 3.4 9 0" />
            <path d="M7 20.5c3-3.4 6-3.4 9 0s6 3.4 9 0" opacity=".65" />
          </svg>
          Tidings <span>playground</span>
        </h1>
        <StatusPill status={status} onRetry={onRetry} />
        <UserSwitch key={user} user={user} onSwitch={onSwitch} />
      </div>
    </header>
  );
}

function StatusPill({ status, onRetry }: Pick<HeaderProps, "status" | "onRetry">): ReactElement {
  const label = status.kind === "live" ? "Live" : status.kind === "connecting" ? "Connecting…" : "Offline";
  return (
    <div className={`status status-${status.kind}`}>
      <output className="status-pill">{label}</output>
      {status.kind === "offline" && (
        <>
          <span className="status-reason">
            {status.reason}
            {status.retryAt !== null && <Countdown until={status.retryAt} />}
          </span>
          <button type="button" className="button-quiet" onClick={onRetry}>
            Connect now
          </button>
        </>
      )}
    </div>
  );
}

function Countdown({ until }: { readonly until: number }): ReactElement {
  const now = useNow(500);
  const seconds = Math.max(0, Math.ceil((until - now) / 1_000));
  return <span aria-hidden="true"> · next try in {seconds} s</span>;
}

function UserSwitch({ user, onSwitch }: Pick<HeaderProps, "user" | "onSwitch">): ReactElement {
  const [draft, setDraft] = useState(user);
  const id = draft.trim();
  const fault = id === user ? null : userIdFault(id);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (id !== user && fault === null) onSwitch(id);
  };
  return (
    <form className="user" onSubmit={submit}>
      <label htmlFor="user">User</label>
      <input
        id="user"
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={256}
        aria-invalid={fault !== null}
        aria-describedby={fault === null ? undefined : "user-fault"}
      />
      {id !== user && (
        <button type="submit" disabled={fault !== null}>
          Switch
        </button>
      )}
      <a href={`?${new URLSearchParams({ user })}`} target="_blank" rel="noreferrer" className="button-quiet">
        Second tab<span className="visually-hidden"> as {user}, opens a new tab</span>
      </a>
      {fault !== null && (
        <p id="user-fault" className="fault" role="alert">
          {fault}
        </p>
      )}
    </form>
  );
}
