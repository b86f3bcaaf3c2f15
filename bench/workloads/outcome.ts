import type { Ends, Usage } from "../bed.ts";

/** Figures by name, each one number a run. */
export type Figures = Readonly<Record<string, number>>;

/** What one run of one workload gave. */
export type Outcome =
  | {
      readonly isVoid: false;
      readonly figures: Figures;
      /** What the system did wrong, in one sentence; null where every update came once, in order and unchanged. */
      readonly fault: string | null;
    }
  | { readonly isVoid: true; readonly reason: string };

/** Above this share of its core the load could have been the limit. */
export const LOAD_LIMIT = 0.9;
/** A schedule whose slowest hundredth left later than this was not kept. */
export const SLIP_LIMIT_MS = 20;

/** Why a run says nothing about the system, since the load was the limit; null where it does. */
export function voidReason(usage: Usage, { published }: Pick<Ends, "published">): string | null {
  if (published.errors > 0) return `Redis answered ${published.errors} errors: ${published.firstError}`;
  if (published.blocked > 0) return `${published.blocked} updates found no room on their way out`;
  if (published.confirmed !== published.published && published.confirmed > 0) {
    return `Redis answered ${published.confirmed} of ${published.published} publishes`;
  }
  if (usage.loadShare >= LOAD_LIMIT) {
    return `load and Redis used ${percent(usage.loadShare)} of their core`;
  }
  if (published.slip.p99 > SLIP_LIMIT_MS) {
    return `the schedule slipped: a hundredth left over ${published.slip.p99.toFixed(1)} ms late`;
  }
  return null;
}

/** What was wrong with what came; null where nothing was. */
export function faultOf(received: Ends["received"], expected: number): string | null {
  const { frames, missing, notRising, wrongBytes, wrongUser, closed } = received;
  const faults = [
    [missing, "lost"],
    [notRising, "doubled or out of order"],
    [wrongUser, "to wrong users"],
    [wrongBytes, "with wrong bytes"],
    [closed, "connections closed"],
  ] as const;
  const found = faults.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  if (frames !== expected && missing === 0) found.push(`${frames} of ${expected} came`);
  return found.length === 0 ? null : found.join(", ");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
