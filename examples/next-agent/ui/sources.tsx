import type { ReactNode } from "react";
import type { Source } from "../live/run.ts";
import { FileIcon } from "./icons.tsx";
import style from "./sources.module.css";

/** What an answer rests on. */
export function Sources({ sources }: { readonly sources: readonly Source[] }): ReactNode {
  if (sources.length === 0) return null;
  return (
    <ul className={style["sources"]} aria-label="Sources">
      {sources.map(({ file, heading, quote }) => (
        <li key={`${file} ${heading}`} className={style["source"]} title={quote}>
          <FileIcon className={style["icon"]} />
          <span className={style["heading"]}>{heading}</span>
          <span className={style["file"]}>{file}</span>
        </li>
      ))}
    </ul>
  );
}
