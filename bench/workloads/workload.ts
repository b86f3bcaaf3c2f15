import type { Bed, BedOptions } from "../bed.ts";
import type { System } from "../systems/system.ts";
import type { Outcome } from "./outcome.ts";

/** How thoroughly a run measures. */
export interface Effort {
  /** Seconds that a stream lasts. */
  readonly seconds: number;
  /** Seconds for which idle connections are watched. */
  readonly idleSeconds: number;
  /** Most trials in looking for a highest rate. */
  readonly trials: number;
}

/** What a run knows beside its bed. */
export interface RunContext {
  /** How large it is to be, as a share of the workload's full size. */
  readonly size: number;
  readonly effort: Effort;
  /** The median so far of a figure of another workload at full size; null where there is none. */
  readonly known: (workload: string, system: string, figure: string) => number | null;
}

/** One of the things that are measured. */
export interface Workload {
  readonly key: string;
  readonly title: string;
  /** What the figure `cpu` is counted in, or what `main` is where another figure matters most. */
  readonly unit: string;
  /** The figure that is plotted and compared; `cpu` unless given. */
  readonly main?: string;
  /** Whether more of the main figure is better. */
  readonly isMoreBetter?: boolean;
  /** What a size of 1 means, as the axis of a plot says it. */
  readonly scale: { readonly of: string; readonly full: number };
  /** Whether it belongs to the short form. */
  readonly isShort?: boolean;
  /** Whether it is the same at every size, and so run at full size alone. */
  readonly isOneSize?: boolean;
  /** Whether a run needs a bed of its own, since the one before leaves something behind. */
  readonly needsFreshBed?: boolean;
  readonly bed?: Pick<BedOptions, "audience" | "payloadBytes">;
  /** Whether a system can do it at all. */
  readonly isFor?: (system: System) => boolean;
  readonly run: (bed: Bed, context: RunContext) => Promise<Outcome>;
}
