import type { AnswerWriter, Finding, Pause } from "./answer-writer.ts";
import { excerpt, plainLine } from "./excerpt.ts";
import { search } from "./search.ts";
import { readSections } from "./sections.ts";

/** Sends one update to the user whose run it is; resolves when Redis has taken it. */
export type Tell = (type: string, payload: Readonly<Record<string, unknown>>) => Promise<void>;

/** What a run works with. */
export interface RunTools {
  /** Folder that holds README.md, ARCHITECTURE.md and docs/. */
  readonly documentation: string;
  readonly write: AnswerWriter;
  readonly pause: Pause;
}

const sectionsToRead = 3;
/** A hit much weaker than the best is noise. */
const leastShareOfBest = 0.35;
const excerptLength = 900;
const quoteLength = 240;
/** Milliseconds a step stays on the screen at least, so that people can follow it. */
const stepPause = 350;

/**
 * Works on one question from beginning to end and tells about it: `agent_started`, `agent_step`,
 * `agent_update`, `agent_source`, `agent_token`, `agent_finished`.
 * Throws the signal's reason when it is stopped.
 */
export async function work(
  run: string,
  question: string,
  tell: Tell,
  tools: RunTools,
  signal: AbortSignal,
): Promise<void> {
  let n = 0;
  const step = async (text: string): Promise<void> => {
    n += 1;
    await tell("agent_step", { n, text, run });
    await tools.pause(stepPause, signal);
  };

  await tell("agent_started", { question, run });
  await tell("agent_update", { text: "Searching…", run });
  const sections = await readSections(tools.documentation);
  await step(`Searching ${sections.length} sections for “${shortened(question)}”`);

  const hits = search(sections, question, sectionsToRead);
  const least = (hits[0]?.score ?? 0) * leastShareOfBest;
  const findings: Finding[] = [];
  for (const { section, score } of hits) {
    if (score < least) continue;
    await step(`Reading ${section.file} › ${section.heading}`);
    const found = excerpt(section, question, excerptLength);
    findings.push({ section, excerpt: found });
    const quote = plainLine(found, quoteLength);
    await tell("agent_source", { file: section.file, heading: section.heading, quote, run });
  }
  if (findings.length === 0) await step("Found nothing that matches");

  await tell("agent_update", { text: "Writing the answer…", run });
  await step("Writing the answer");
  for await (const text of tools.write(question, findings, signal)) {
    signal.throwIfAborted();
    await tell("agent_token", { text, run });
  }
  signal.throwIfAborted();
  await tell("agent_finished", { run });
}

function shortened(question: string): string {
  return question.length <= 60 ? question : `${question.slice(0, 59).trimEnd()}…`;
}
