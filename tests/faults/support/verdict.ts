import type { Violation } from "../judge/evidence.ts";

const SHOWN = 12;

/** The violations as lines for people: the first ones, and how many more there are. Empty where there is none. */
export function brief(violations: readonly Violation[]): string[] {
  const lines = violations
    .slice(0, SHOWN)
    .map(({ invariant, kind, detail }) => `${invariant} ${kind}: ${detail}`);
  const more = violations.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

/** Which kinds of violation there are: what a control run must show. */
export function kindsOf(violations: readonly Violation[]): Set<string> {
  return new Set(violations.map(({ invariant, kind }) => `${invariant} ${kind}`));
}
