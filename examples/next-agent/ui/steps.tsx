import type { ReactNode } from "react";
import { isOpen, type Run } from "../live/run.ts";
import { CheckIcon, ChevronIcon } from "./icons.tsx";
import style from "./steps.module.css";

/** What the agent did and does. Once the answer is whole it folds away, and can be opened. */
export function Steps({ run }: { readonly run: Run }): ReactNode {
  const isBusy = isOpen(run);
  const list = (
    <ol className={style["steps"]}>
      {run.steps.map((text, place) => {
        const isCurrent = isBusy && place === run.steps.length - 1;
        return (
          <li key={place} className={style["step"]} data-current={isCurrent || undefined}>
            <span className={style["mark"]}>
              {isCurrent ? <span className={style["spinner"]} /> : <CheckIcon />}
            </span>
            {text}
          </li>
        );
      })}
    </ol>
  );
  if (isBusy) return list;
  const count = run.sources.length;
  return (
    <details className={style["details"]}>
      <summary>
        <ChevronIcon className={style["chevron"]} />
        {count === 0 ? `${run.steps.length} steps` : `Read ${count} ${count === 1 ? "passage" : "passages"}`}
      </summary>
      {list}
    </details>
  );
}
