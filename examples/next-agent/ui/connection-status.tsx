"use client";

import type { Status } from "@tidings/client";
import { useReconnect, useStatus } from "@tidings/client/react";
import { type ReactNode, useEffect, useState } from "react";

import style from "./connection-status.module.css";

/** How the connection stands, in words, and a way to try at once where there is none. */
export function ConnectionStatus(): ReactNode {
  const status = useStatus();
  const reconnect = useReconnect();
  const isAway = status.kind === "offline" || status.kind === "refused";
  return (
    <div className={style["status"]}>
      <output className={style["pill"]} data-kind={status.kind} data-testid="status">
        <span className={style["dot"]} />
        {wordsOf(status)}
      </output>
      {status.kind === "offline" && status.retryAt !== null && <Countdown to={status.retryAt} />}
      {isAway && (
        <button className={style["retry"]} type="button" onClick={() => reconnect()}>
          Try now
        </button>
      )}
    </div>
  );
}

function wordsOf(status: Status): string {
  switch (status.kind) {
    case "connecting":
      return "Connecting…";
    case "behind":
      return `Catching up, ${status.remaining} to go`;
    case "live":
      return status.transport === "sse" ? "Live, receiving only" : "Live";
    case "offline":
      return "Offline";
    case "refused":
    default:
      return "Disconnected";
  }
}

/** Not part of the live region: nobody wants to hear seconds. */
function Countdown({ to }: { readonly to: number }): ReactNode {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.ceil((to - now) / 1_000);
  return seconds > 1 ? <span className={style["countdown"]}>next try in {seconds} s</span> : null;
}
