import { type FormEvent, type ReactElement, useRef, useState } from "react";

const suggestions = [
  "What is the life of one update?",
  "What happens to a client that reads too slowly?",
  "What happens when Redis is restarted?",
];

/** The box for questions. `onAsk` returns whether the question could be sent. */
export function Ask({
  isLive,
  onAsk,
}: {
  readonly isLive: boolean;
  readonly onAsk: (question: string) => boolean;
}): ReactElement {
  const [question, setQuestion] = useState("");
  const [hint, setHint] = useState("");
  const input = useRef<HTMLInputElement>(null);

  const ask = (text: string): void => {
    const isSent = onAsk(text);
    setHint(isSent ? "" : "Not connected: the question was not sent.");
    if (isSent) setQuestion("");
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (question.trim() === "") {
      setHint("Type a question first, or pick one below.");
      input.current?.focus();
    } else ask(question.trim());
  };

  return (
    <section className="ask" aria-labelledby="ask-title">
      <h2 id="ask-title">Ask the example worker</h2>
      <p className="lead">
        It searches this project’s documentation. Every step reaches this page as an update: one{" "}
        <code>PUBLISH</code> on Redis, one frame on your WebSocket.
      </p>
      <form className="ask-form" onSubmit={submit}>
        <label className="visually-hidden" htmlFor="question">
          Your question about Tidings
        </label>
        <input
          ref={input}
          id="question"
          value={question}
          onChange={(event) => setQuestion(event.target.value)}
          placeholder="Ask about Tidings"
          maxLength={1_000}
          autoComplete="off"
          enterKeyHint="send"
          aria-describedby="ask-hint"
        />
        <button type="submit" className="button-main" disabled={!isLive}>
          Ask
        </button>
      </form>
      <output id="ask-hint" className="fault">
        {hint}
      </output>
      <ul className="suggestions" aria-label="Suggested questions">
        {suggestions.map((text) => (
          <li key={text}>
            <button type="button" disabled={!isLive} onClick={() => ask(text)}>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
