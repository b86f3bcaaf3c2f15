import type { AnswerWriter, Finding } from "./answer-writer.ts";

/** Where an OpenAI-compatible chat completions endpoint is, and what to ask it for. */
export interface ChatEndpoint {
  /**
   * Up to and without `/chat/completions`, such as `https://api.openai.com/v1` or
   * `http://127.0.0.1:11434/v1`.
   */
  readonly baseUrl: string;
  readonly model: string;
  /** Sent as a bearer token; local servers often need none. */
  readonly apiKey?: string;
}

/** How long the endpoint may stay silent before it is given up, in milliseconds. */
const silenceLimit = 60_000;

/** Where an answer is cut off, in characters. */
const maxAnswerLength = 20_000;

const instructions =
  "You answer questions about Tidings, a relay that brings updates of AI workers to browsers. " +
  "Answer briefly, in Markdown, from the excerpts of its documentation alone, " +
  "and say so when they do not hold the answer.";

/** Has the answer written by a language model that is given the findings as context. */
export function chatWriter(endpoint: ChatEndpoint): AnswerWriter {
  return async function* write(question, findings, signal) {
    const silence = new AbortController();
    const timer = setTimeout(
      () => silence.abort(new Error("The language model does not answer.")),
      silenceLimit,
    );
    try {
      const response = await request(endpoint, question, findings, AbortSignal.any([signal, silence.signal]));
      let length = 0;
      for await (const piece of deltas(response)) {
        timer.refresh();
        yield piece;
        length += piece.length;
        if (length > maxAnswerLength) return;
      }
    } catch (error) {
      signal.throwIfAborted();
      silence.signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
  };
}

async function request(
  endpoint: ChatEndpoint,
  question: string,
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<Response> {
  const context = findings.map(
    ({ section, excerpt }) =>
      `## ${section.file} › ${section.heading}\n${excerpt}\n\n${section.body.slice(0, 4_000)}`,
  );
  const headers = new Headers({ "content-type": "application/json", accept: "text/event-stream" });
  if (endpoint.apiKey !== undefined) headers.set("authorization", `Bearer ${endpoint.apiKey}`);
  const body = JSON.stringify({
    model: endpoint.model,
    stream: true,
    messages: [
      { role: "system", content: instructions },
      { role: "user", content: `${context.join("\n\n")}\n\n# Question\n${question}` },
    ],
  });
  const url = `${endpoint.baseUrl.replace(/\/+$/, "")}/chat/completions`;
  const response = await fetch(url, { method: "POST", headers, body, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new Error("The language model cannot be reached.", { cause: error });
  });
  if (response.ok) return response;
  await response.body?.cancel();
  throw new Error(`The language model refused with status ${response.status}.`);
}

/** The text of each event of a completions stream; what arrived together is one piece. */
async function* deltas(response: Response): AsyncIterable<string> {
  let rest = "";
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${chunk}`.split(/\r\n|\n|\r/);
    rest = lines.pop() ?? "";
    let piece = "";
    for (const line of lines) {
      if (!line.startsWith("data:")) continue;
      const data = line.slice("data:".length).trim();
      if (data === "[DONE]") {
        if (piece !== "") yield piece;
        return;
      }
      piece += textOf(data);
    }
    if (piece !== "") yield piece;
  }
  throw new Error("The language model broke off in the middle of its answer.");
}

function textOf(data: string): string {
  const event: { error?: unknown; choices?: readonly { delta?: { content?: unknown } }[] } = JSON.parse(data);
  if (event.error !== undefined) throw new Error("The language model reports an error.");
  const content = event.choices?.[0]?.delta?.content;
  return typeof content === "string" ? content : "";
}
