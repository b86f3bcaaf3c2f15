/** A question that a user asks, and the id under which its updates will be known. */
export interface Ask {
  readonly kind: "ask";
  readonly userId: string;
  readonly run: string;
  readonly question: string;
}

/** A user's wish that a run should stop. */
export interface Cancel {
  readonly kind: "cancel";
  readonly userId: string;
  readonly run: string;
}

/** A question that cannot be worked on, whose user is owed an answer. */
export interface BadAsk {
  readonly kind: "bad-ask";
  readonly userId: string;
  /** Absent where the message has no usable run id. */
  readonly run?: string;
  readonly message: string;
}

/** A message that is nothing for this worker, and why. */
export interface NotForUs {
  readonly kind: "not-for-us";
  readonly reason: string;
}

/** What a message from the channel `inbound` asks of this worker. */
export type Inbound = Ask | Cancel | BadAsk | NotForUs;

/** Longest question, in UTF-16 code units. */
export const maxQuestionLength = 1_000;

const maxRunLength = 64;

/** Reads one message of the channel `inbound`. Never throws, whatever is published there. */
export function readInbound(text: string): Inbound {
  const message = parseObject(text);
  if (message === null) return { kind: "not-for-us", reason: "not a JSON object" };

  const userId = message["user_id"];
  // "*" as a target would send one user's answer to everybody.
  if (typeof userId !== "string" || userId === "" || userId === "*") {
    return { kind: "not-for-us", reason: "no usable user_id" };
  }
  const type = message["type"];
  if (type !== "ask" && type !== "cancel") return { kind: "not-for-us", reason: "a type of somebody else" };

  const payload = asObject(message["payload"]) ?? {};
  const run = payload["run"];
  const isRunUsable = typeof run === "string" && run !== "" && run.length <= maxRunLength;
  if (type === "cancel") {
    return isRunUsable
      ? { kind: "cancel", userId, run }
      : { kind: "not-for-us", reason: "a cancel without a run" };
  }
  if (!isRunUsable) {
    return { kind: "bad-ask", userId, message: `A question needs a "run": 1 to ${maxRunLength} characters.` };
  }
  const question = payload["question"];
  if (typeof question !== "string" || question.trim() === "") {
    return { kind: "bad-ask", userId, run, message: "The question is empty." };
  }
  if (question.length > maxQuestionLength) {
    return {
      kind: "bad-ask",
      userId,
      run,
      message: `A question may have at most ${maxQuestionLength} characters.`,
    };
  }
  return { kind: "ask", userId, run, question: question.trim() };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

function asObject(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}
