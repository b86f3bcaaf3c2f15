/** A passage that the agent read. */
export interface Source {
  readonly file: string;
  readonly heading: string;
  readonly quote: string;
}

/** One question and all that became of it, as the agent stores it. */
export interface Run {
  readonly run: string;
  /** The conversation it belongs to. */
  readonly thread: string;
  readonly question: string;
  /** Milliseconds since 1970. */
  readonly started: number;
  /** Up to which of its updates this reaches, counted from 1; 0 where the agent has not said anything yet. */
  readonly n: number;
  readonly state: "sending" | "unsent" | "working" | "done" | "failed";
  readonly steps: readonly string[];
  readonly sources: readonly Source[];
  /** Markdown, as far as it has come. */
  readonly answer: string;
  readonly code: string | null;
  readonly message: string | null;
}

/** What the agent has stored of a user's conversations. */
export interface Conversation {
  /** Oldest first. */
  readonly runs: readonly Run[];
}

/** What the agent publishes, by type. */
export interface AgentEvents {
  agent_started: { run: string; n: number; thread: string; question: string; started: number };
  agent_step: { run: string; n: number; text: string };
  agent_source: { run: string; n: number } & Source;
  agent_token: { run: string; n: number; text: string };
  agent_finished: { run: string; n: number };
  agent_failed: { run: string; n: number; code: string; message: string };
  announcement: { id: string; text: string; from: string };
}

/** What a page sends to the agent, by type. */
export interface AgentMessages {
  ask: { run: string; thread: string; question: string };
  cancel: { run: string };
}

declare module "@tidings/client/react" {
  /** These types, for all hooks. */
  interface Register {
    events: AgentEvents;
    messages: AgentMessages;
  }
}

/** One update of a run. */
export type RunUpdate = {
  [Type in Exclude<keyof AgentEvents, "announcement">]: {
    readonly type: Type;
    readonly payload: AgentEvents[Type];
  };
}[Exclude<keyof AgentEvents, "announcement">];

/** A question that was asked on this page, before the agent has said anything. */
export function newRun(run: string, thread: string, question: string, started: number): Run {
  return {
    run,
    thread,
    question,
    started,
    n: 0,
    state: "sending",
    steps: [],
    sources: [],
    answer: "",
    code: null,
    message: null,
  };
}

/** Whether somebody still works on it. */
export function isOpen({ state }: Run): boolean {
  return state === "working" || state === "sending";
}

/**
 * The run after an update of it. One that it has already changes nothing, so that what a page was rendered with and what
 * its connection replays may overlap; null where an update before it is missing.
 */
export function advance(run: Run | undefined, update: RunUpdate): Run | null {
  const { n } = update.payload;
  if (run !== undefined && n <= run.n) return run;
  if (update.type === "agent_started") {
    const { payload } = update;
    return { ...newRun(payload.run, payload.thread, payload.question, payload.started), n, state: "working" };
  }
  if (run === undefined || n !== run.n + 1) return null;
  switch (update.type) {
    case "agent_step":
      return { ...run, n, steps: [...run.steps, update.payload.text] };
    case "agent_source": {
      const { file, heading, quote } = update.payload;
      return { ...run, n, sources: [...run.sources, { file, heading, quote }] };
    }
    case "agent_token":
      return { ...run, n, answer: run.answer + update.payload.text };
    case "agent_finished":
      return { ...run, n, state: "done" };
    case "agent_failed":
    default:
      return { ...run, n, state: "failed", code: update.payload.code, message: update.payload.message };
  }
}
