import type { SettingName } from "./schema.ts";

/**
 * Where an effective value comes from; `label` is how its user wrote it: `--port`, `port in tidings.yaml line
 * 3`.
 */
export interface Source {
  readonly from: "flag" | "environment" | "file" | "preset" | "default";
  readonly label: string;
}

/** Where each effective value comes from. */
export type Sources = Readonly<Record<SettingName, Source>>;
