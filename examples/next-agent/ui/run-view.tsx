"use client";

import { useStatus } from "@tidings/client/react";
import { memo, type ReactNode, useState } from "react";
import { isOpen, type Run } from "../live/run.ts";
import type { Agent } from "../live/use-agent.ts";
import { Answer } from "./answer.tsx";
import { AlertIcon, CheckIcon, CopyIcon } from "./icons.tsx";
import style from "./run-view.module.css";
import { Sources } from "./sources.tsx";
import { Steps } from "./steps.tsx";

/** A question and all that became of it. */
export const RunView = memo(function RunView({
  run,
  agent,
}: {
  readonly run: Run;
  readonly agent: Agent;
}): ReactNode {
  const isBusy = isOpen(run);
  return (
    <article className={style["run"]} aria-busy={isBusy} data-testid="run" data-state={run.state}>
      <h2 className={style["question"]}>{run.question}</h2>
      {run.state === "unsent" && (
        <div className={style["notice"]} role="alert">
          <AlertIcon />
          <span>This did not reach the agent.</span>
          <button type="button" className={style["again"]} onClick={() => agent.askAgain(run)}>
            Send again
          </button>
        </div>
      )}
      {run.state === "sending" && <p className={style["waiting"]}>Waiting for the agent…</p>}
      {run.steps.length > 0 && <Steps run={run} />}
      {run.answer !== "" && <Answer markdown={run.answer} isGrowing={isBusy} />}
      {isBusy && <Paused />}
      {run.state === "failed" && (
        <p className={style["ended"]} data-code={run.code}>
          {run.message}
        </p>
      )}
      {!isBusy && run.answer !== "" && (
        <footer className={style["foot"]}>
          <Sources sources={run.sources} />
          <CopyButton text={run.answer} />
        </footer>
      )}
    </article>
  );
});

/** Says that an answer may be going on elsewhere while this page cannot hear of it. */
function Paused(): ReactNode {
  const { kind } = useStatus();
  if (kind !== "offline" && kind !== "refused") return null;
  return (
    <p className={style["paused"]}>
      No connection. The agent goes on; the rest appears when this page is back.
    </p>
  );
}

function CopyButton({ text }: { readonly text: string }): ReactNode {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
    setTimeout(setIsCopied, 2_000, false);
  };
  return (
    <button type="button" className={style["copy"]} onClick={() => void copy()}>
      {isCopied ? <CheckIcon /> : <CopyIcon />}
      {isCopied ? "Copied" : "Copy"}
    </button>
  );
}
