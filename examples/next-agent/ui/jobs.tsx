import { type ReactNode, useId } from "react";
import type { Run } from "../live/run.ts";
import type { Agent } from "../live/use-agent.ts";
import { StopIcon } from "./icons.tsx";
import { LocalLink } from "./local-link.tsx";
import style from "./jobs.module.css";

/** What the agent works on for this user at this moment, in whichever conversation and from whichever device. */
export function Jobs({ jobs, agent }: { readonly jobs: readonly Run[]; readonly agent: Agent }): ReactNode {
  const heading = useId();
  return (
    <section className={style["jobs"]} aria-labelledby={heading} data-testid="jobs">
      <h2 className={style["heading"]} id={heading}>
        Running <span className={style["count"]}>{jobs.length}</span>
      </h2>
      <ul className={style["list"]}>
        {jobs.map((job) => (
          <li key={job.run} className={style["job"]}>
            <LocalLink href={`/c/${job.thread}`} className={style["link"]}>
              <span className={style["question"]}>{job.question}</span>
              <span className={style["step"]}>
                {agent.stopping.has(job.run) ? "Stopping…" : (job.steps.at(-1) ?? "Waiting for the agent…")}
              </span>
            </LocalLink>
            <button
              className={style["stop"]}
              type="button"
              disabled={agent.stopping.has(job.run)}
              aria-label={`Stop “${job.question}”`}
              onClick={() => agent.stop(job.run)}
            >
              <StopIcon />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
