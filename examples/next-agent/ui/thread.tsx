"use client";

import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { isOpen } from "../live/run.ts";
import type { Agent } from "../live/use-agent.ts";
import { Composer } from "./composer.tsx";
import { DownIcon } from "./icons.tsx";
import { LocalLink } from "./local-link.tsx";
import { RunView } from "./run-view.tsx";
import style from "./thread.module.css";
import type { ThreadOfRuns } from "./threads.ts";
import { Welcome } from "./welcome.tsx";

/** How near to the end counts as reading along, in pixels. */
const nearPx = 80;

/** One conversation, or the beginning of one. */
export function Thread({
  thread,
  isUnknown,
  userName,
  agent,
  ask,
}: {
  readonly thread: ThreadOfRuns | null;
  readonly isUnknown: boolean;
  readonly userName: string;
  readonly agent: Agent;
  readonly ask: (question: string) => void;
}): ReactNode {
  const { scroller, content, isAtEnd, toEnd } = useReadingAlong();
  const open = thread?.runs.findLast(isOpen) ?? null;
  const askHere = (question: string): void => {
    ask(question);
    toEnd();
  };
  return (
    <main className={style["thread"]}>
      <div className={style["scroller"]} ref={scroller}>
        <div className={style["content"]} ref={content}>
          {thread?.runs.map((run) => (
            <RunView key={run.run} run={run} agent={agent} />
          ))}
          {isUnknown && (
            <div className={style["unknown"]}>
              <h2>This conversation is not here</h2>
              <p>It may belong to another account.</p>
              <LocalLink href="/">Ask something new</LocalLink>
            </div>
          )}
          {thread === null && !isUnknown && <Welcome userName={userName} ask={askHere} />}
        </div>
      </div>
      <div className={style["foot"]}>
        {!isAtEnd && (
          <button className={style["down"]} type="button" aria-label="To the end" onClick={toEnd}>
            <DownIcon />
          </button>
        )}
        {!isUnknown && <Composer open={open} agent={agent} ask={askHere} />}
      </div>
    </main>
  );
}

/** Keeps the end in view while content grows, until the reader scrolls away from it. */
function useReadingAlong(): {
  readonly scroller: React.RefObject<HTMLDivElement | null>;
  readonly content: React.RefObject<HTMLDivElement | null>;
  readonly isAtEnd: boolean;
  readonly toEnd: () => void;
} {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const [isAtEnd, setIsAtEnd] = useState(true);
  const follows = useRef(true);
  const toEnd = (): void => {
    follows.current = true;
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  };
  useLayoutEffect(() => {
    const [outer, inner] = [scroller.current, content.current];
    if (outer === null || inner === null) return undefined;
    let before = outer.scrollTop;
    const look = (): void => {
      const isNear = outer.scrollHeight - outer.scrollTop - outer.clientHeight < nearPx;
      // Content that changes its height scrolls too; only readers scroll back.
      if (isNear) follows.current = true;
      else if (outer.scrollTop < before) follows.current = false;
      before = outer.scrollTop;
      setIsAtEnd(isNear || follows.current);
    };
    const grown = new ResizeObserver(() => {
      if (follows.current) outer.scrollTop = outer.scrollHeight;
      look();
    });
    grown.observe(inner);
    grown.observe(outer);
    outer.addEventListener("scroll", look, { passive: true });
    outer.scrollTop = outer.scrollHeight;
    return () => {
      grown.disconnect();
      outer.removeEventListener("scroll", look);
    };
  }, []);
  return { scroller, content, isAtEnd, toEnd };
}
