import { memo, type NamedExoticComponent, type ReactElement } from "react";
import { isOpen, type Run, type RunStatus } from "../conversation.ts";
import { Answer } from "./answer.tsx";
import { useNow } from "./use-now.ts";

// oxlint-disable react/no-array-index-key -- steps and sources are only added: places are identities

/** After how many milliseconds of silence the page says so. */
const silence = 8_000;

const statusWords: Readonly<Record<RunStatus, string>> = {
  sent: "Sending",
  taken: "Waiting for a worker",
  working: "Working",
  interrupted: "Interrupted",
  finished: "Done",
  stopped: "Stopped",
  failed: "Failed",
};

/** One question, what the worker does about it, and its answer. */
export const RunCard: NamedExoticComponent<RunCardProps> = memo(RunCardView);

/** The run, and what to call when a person wants it stopped. */
export interface RunCardProps {
  readonly run: Run;
  readonly onStop: (run: string) => void;
}

function RunCardView({ run, onStop }: RunCardProps): ReactElement {
  const isRunning = isOpen(run);
  const title = `run-${run.id}`;
  return (
    <article className="card run" aria-labelledby={title} aria-busy={isRunning}>
      <header className="card-head">
        <h3 id={title}>{run.question ?? "A question from before this tab was opened"}</h3>
        <div className="card-tools">
          <span className={`badge badge-${run.status}`}>{statusWords[run.status]}</span>
          {isRunning && (
            <button type="button" className="button-stop" onClick={() => onStop(run.id)}>
              Stop<span className="visually-hidden"> this run</span>
            </button>
          )}
        </div>
      </header>

      {run.question === null && (
        <p className="note">Joined in progress: what came before is not shown here.</p>
      )}
      {run.question !== null && run.hasGap && (
        <p className="note">Something was lost on its way: updates may be missing here.</p>
      )}
      {run.steps.length > 0 && <Steps run={run} isRunning={isRunning} />}
      {run.answer !== "" && <Answer markdown={run.answer} isGrowing={isRunning} />}
      {run.answer === "" && isRunning && (
        <p className="progress">{run.progress ?? statusWords[run.status]}</p>
      )}
      {run.failure !== null && run.status !== "stopped" && <p className="failure">{run.failure}</p>}
      {isRunning && <Silence since={run.heardAt} status={run.status} />}
      {run.sources.length > 0 && !isRunning && <Sources run={run} />}
    </article>
  );
}

function Steps({ run, isRunning }: { readonly run: Run; readonly isRunning: boolean }): ReactElement {
  const count = run.steps.length;
  return (
    <details className="steps" open={isRunning}>
      <summary>{count === 1 ? "1 step" : `${count} steps`}</summary>
      <ol>
        {run.steps.map(({ n, text }, position) => (
          <li key={position} className={isRunning && position === count - 1 ? "step step-now" : "step"}>
            <span className="visually-hidden">Step {n}: </span>
            {text}
          </li>
        ))}
      </ol>
    </details>
  );
}

function Sources({ run }: { readonly run: Run }): ReactElement {
  return (
    <section className="sources" aria-label="Sources">
      <h4>Sources</h4>
      <ul>
        {run.sources.map(({ file, heading, quote }, position) => (
          <li key={position}>
            <span className="source-place">
              <code>{file}</code> <span aria-hidden="true">›</span> {heading}
            </span>
            <span className="source-quote">{quote}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Silence({
  since,
  status,
}: {
  readonly since: number;
  readonly status: RunStatus;
}): ReactElement | null {
  const now = useNow(1_000);
  if (now - since < silence) return null;
  return (
    <p className="note">
      {status === "taken"
        ? "The relay has published the question; no worker has answered yet. Is the example worker running?"
        : `Nothing heard for ${Math.round((now - since) / 1_000)} s. The worker may be busy, or gone.`}
    </p>
  );
}
