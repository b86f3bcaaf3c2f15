import { asRecord, type ReceivedFrame } from "./received-frame.ts";

/** Something the agent did, in its own words. */
export interface Step {
  readonly n: number;
  readonly text: string;
}

/** Where the answer comes from. */
export interface Source {
  readonly file: string;
  readonly heading: string;
  readonly quote: string;
}

/**
 * How far a run is: `sent` by this tab, `taken` by the relay, `working`, then one of the ends.
 * `interrupted`: this tab lost its connection meanwhile.
 */
export type RunStatus = "sent" | "taken" | "working" | "interrupted" | "finished" | "stopped" | "failed";

/** One question and what became of it. */
export interface Run {
  readonly kind: "run";
  readonly id: string;
  /** Null where this tab was opened after the question was asked. */
  readonly question: string | null;
  readonly status: RunStatus;
  readonly progress: string | null;
  readonly steps: readonly Step[];
  readonly answer: string;
  readonly sources: readonly Source[];
  readonly failure: string | null;
  /** Whether updates in the middle may be missing. */
  readonly hasGap: boolean;
  /** When this tab last heard of it, in milliseconds since 1970. */
  readonly heardAt: number;
}

/** An update of a type that the page has no view of its own for: most likely published by hand. */
export interface OtherUpdate {
  readonly kind: "update";
  readonly frame: ReceivedFrame;
}

/** What the conversation is made of. */
export type Entry = Run | OtherUpdate;

/** Everything that was asked and heard, newest first. */
export type Conversation = readonly Entry[];

const maxEntries = 40;
const maxSteps = 60;
const maxAnswerLength = 60_000;

/** Whether more is to be expected of a run. */
export function isOpen(run: Run): boolean {
  return run.status === "sent" || run.status === "taken" || run.status === "working";
}

/** Adds a question that this tab has sent. */
export function asked(conversation: Conversation, id: string, question: string, at: number): Conversation {
  return [{ ...newRun(id, question, at), status: "sent" as const }, ...conversation].slice(0, maxEntries);
}

/** Notes that the connection was lost. What was published until it stands again comes later, or never. */
export function interrupted(conversation: Conversation): Conversation {
  return conversation.map((entry) => {
    if (entry.kind !== "run" || !isOpen(entry)) return entry;
    if (entry.status === "sent") {
      return {
        ...entry,
        status: "failed",
        failure: "The connection was lost before the relay confirmed the question.",
      };
    }
    return { ...entry, status: "interrupted" };
  });
}

/** Notes how the relay took this tab back: whether everything that it missed follows. */
function resumed(conversation: Conversation, isRecovered: boolean): Conversation {
  return conversation.map((entry) => {
    if (entry.kind !== "run" || entry.status !== "interrupted") return entry;
    return isRecovered ? { ...entry, status: "working" } : { ...entry, hasGap: true };
  });
}

/** Notes that updates are missing: any run that has not ended may lack some. */
function torn(conversation: Conversation): Conversation {
  return conversation.map((entry) =>
    entry.kind === "run" && isOpen(entry) ? { ...entry, hasGap: true } : entry,
  );
}

/** Applies one frame. A run that is not known becomes one that was joined in progress. */
export function heard(conversation: Conversation, frame: ReceivedFrame): Conversation {
  const payload = asRecord(frame.payload);
  if (frame.type === "tidings.welcome") return resumed(conversation, payload["recovered"] === true);
  if (frame.type === "tidings.gap") return torn(conversation);
  if (frame.type.startsWith("tidings.")) return answered(conversation, frame, text(payload["message"]));

  const change = changeBy(frame.type, payload);
  const id = payload["run"];
  if (change === null || typeof id !== "string") {
    return [{ kind: "update" as const, frame }, ...conversation].slice(0, maxEntries);
  }
  const known = conversation.find((entry): entry is Run => entry.kind === "run" && entry.id === id);
  const before = known ?? { ...newRun(id, null, frame.at), hasGap: frame.type !== "agent_started" };
  const isEnded = before.status === "finished" || before.status === "stopped" || before.status === "failed";
  const status = isEnded ? before.status : "working";
  const after: Run = { ...before, status, heardAt: frame.at, ...change(before) };
  if (known === undefined) return [after, ...conversation].slice(0, maxEntries);
  return conversation.map((entry) => (entry === known ? after : entry));
}

/** A system frame with an id answers the question that this tab sent under that id. */
function answered(conversation: Conversation, frame: ReceivedFrame, message: string): Conversation {
  if (frame.id === null || (frame.type !== "tidings.ack" && frame.type !== "tidings.error"))
    return conversation;
  return conversation.map((entry) => {
    if (entry.kind !== "run" || entry.id !== frame.id || entry.status !== "sent") return entry;
    if (frame.type === "tidings.ack") return { ...entry, status: "taken" as const, heardAt: frame.at };
    return { ...entry, status: "failed" as const, failure: message || "The relay refused the question." };
  });
}

type Change = (run: Run) => Partial<Run>;

/** What an update of the example worker changes; null for a type that it does not publish. */
function changeBy(type: string, payload: Readonly<Record<string, unknown>>): Change | null {
  switch (type) {
    case "agent_started":
      return (run) => ({ question: text(payload["question"]) || run.question });
    case "agent_update":
      return () => ({ progress: text(payload["text"]) });
    case "agent_step":
      return (run) => {
        const step = { n: Number(payload["n"] ?? run.steps.length + 1), text: text(payload["text"]) };
        return { steps: [...run.steps, step].slice(-maxSteps) };
      };
    case "agent_token":
      return (run) => ({ answer: `${run.answer}${text(payload["text"])}`.slice(0, maxAnswerLength) });
    case "agent_source":
      return (run) => {
        const { file, heading, quote } = payload;
        return {
          sources: [...run.sources, { file: text(file), heading: text(heading), quote: text(quote) }],
        };
      };
    case "agent_finished":
      return () => ({ status: "finished" });
    case "agent_failed":
      return () => ({
        status: payload["code"] === "cancelled" ? "stopped" : "failed",
        failure: text(payload["message"]) || "The worker gave up without saying why.",
      });
    default:
      return null;
  }
}

function newRun(id: string, question: string | null, heardAt: number): Run {
  return {
    kind: "run",
    id,
    question,
    status: "working",
    progress: null,
    steps: [],
    answer: "",
    sources: [],
    failure: null,
    hasGap: false,
    heardAt,
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
