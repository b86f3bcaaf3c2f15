"use client";

import { type ReactNode, type SubmitEvent, useId, useRef, useState } from "react";
import type { User } from "../server/users.ts";
import { Avatar } from "./avatar.tsx";
import style from "./account.module.css";
import { LeaveIcon, MegaphoneIcon } from "./icons.tsx";

/** Who is signed in, and what an account can do. */
export function Account({
  user,
  signOut,
}: {
  readonly user: User;
  readonly signOut: () => Promise<void>;
}): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  return (
    <div className={style["account"]}>
      <Avatar name={user.name} />
      <div className={style["who"]}>
        <span className={style["name"]}>{user.name}</span>
        <span className={style["role"]}>{user.role}</span>
      </div>
      {user.isOperator && (
        <button
          className={style["action"]}
          type="button"
          aria-label="Tell everybody"
          title="Tell everybody"
          onClick={() => dialog.current?.showModal()}
        >
          <MegaphoneIcon />
        </button>
      )}
      <form action={signOut}>
        <button className={style["action"]} type="submit" aria-label="Sign out" title="Sign out">
          <LeaveIcon />
        </button>
      </form>
      {user.isOperator && (
        <dialog ref={dialog} className={style["dialog"]} aria-labelledby={heading}>
          <Announce heading={heading} onDone={() => dialog.current?.close()} />
        </dialog>
      )}
    </div>
  );
}

function Announce({ heading, onDone }: { readonly heading: string; readonly onDone: () => void }): ReactNode {
  const [state, setState] = useState<"idle" | "sending" | "failed">("idle");
  const send = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    setState("sending");
    const response = await fetch("/api/announcements", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: new FormData(form).get("text") }),
    }).catch(() => null);
    if (response?.ok !== true) return setState("failed");
    setState("idle");
    form.reset();
    onDone();
  };
  return (
    <form className={style["announce"]} onSubmit={(event) => void send(event)}>
      <h2 id={heading}>Tell everybody</h2>
      <p>Everybody who is signed in sees it at once, on every device.</p>
      <label>
        <span className="visually-hidden">Announcement</span>
        <textarea name="text" rows={3} maxLength={280} required placeholder="Maintenance begins at 18:00…" />
      </label>
      {state === "failed" && <p className={style["failed"]}>It could not be sent. Try again.</p>}
      <div className={style["buttons"]}>
        <button type="button" className={style["quiet"]} onClick={onDone}>
          Cancel
        </button>
        <button type="submit" className={style["primary"]} disabled={state === "sending"}>
          Send
        </button>
      </div>
    </form>
  );
}
