"use client";

import { type KeyboardEvent, type ReactNode, type SubmitEvent, useEffect, useRef, useState } from "react";
import type { Run } from "../live/run.ts";
import type { Agent } from "../live/use-agent.ts";
import style from "./composer.module.css";
import { SendIcon, StopIcon } from "./icons.tsx";

const longestQuestion = 1_000;

/** Where questions are written; while the agent works here, the way to stop it. */
export function Composer({
  open,
  agent,
  ask,
}: {
  /** The run that is being worked on in this conversation, if any. */
  readonly open: Run | null;
  readonly agent: Agent;
  readonly ask: (question: string) => void;
}): ReactNode {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    // On a phone the keyboard would cover what one came to read.
    if (matchMedia("(pointer: fine)").matches) field.current?.focus();
  }, []);

  const submit = (event: SubmitEvent | KeyboardEvent): void => {
    event.preventDefault();
    const question = text.trim();
    if (question === "" || open !== null) return;
    setText("");
    ask(question);
  };
  const isStopping = open !== null && agent.stopping.has(open.run);
  return (
    <form className={style["composer"]} onSubmit={submit}>
      <label className="visually-hidden" htmlFor="question">
        Your question
      </label>
      <textarea
        id="question"
        ref={field}
        className={style["field"]}
        rows={1}
        value={text}
        maxLength={longestQuestion}
        placeholder={open === null ? "Ask about Tidings" : "The agent is answering…"}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) submit(event);
        }}
      />
      {open === null ? (
        <button className={style["send"]} type="submit" aria-label="Ask" disabled={text.trim() === ""}>
          <SendIcon />
        </button>
      ) : (
        <button
          className={style["stop"]}
          type="button"
          disabled={isStopping}
          onClick={() => agent.stop(open.run)}
        >
          <StopIcon />
          {isStopping ? "Stopping…" : "Stop"}
        </button>
      )}
    </form>
  );
}
