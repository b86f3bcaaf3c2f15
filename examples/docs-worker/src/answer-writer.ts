import type { Section } from "./sections.ts";

/** A section that was read for the answer, and the part of it that matters. */
export interface Finding {
  readonly section: Section;
  /** Markdown. */
  readonly excerpt: string;
}

/**
 * Writes the answer to a question from what was found, piece by piece, as Markdown.
 * It stops with the signal's reason soon after `signal` aborts, and throws an error fit for the user's eyes
 * when it fails.
 */
export type AnswerWriter = (
  question: string,
  findings: readonly Finding[],
  signal: AbortSignal,
) => AsyncIterable<string>;

/** Waits `ms` milliseconds, or rejects with the signal's reason as soon as it aborts. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;
