import type { ReactElement } from "react";
import type { Conversation, OtherUpdate } from "../conversation.ts";
import { formatJson } from "../raw-json.ts";
import { CodeBlock } from "./code-block.tsx";
import { clockTime } from "./feed.tsx";
import { RunCard } from "./run-card.tsx";

/** Questions, answers and other updates, newest first. */
export function ConversationList({
  conversation,
  onStop,
}: {
  readonly conversation: Conversation;
  readonly onStop: (run: string) => void;
}): ReactElement {
  return (
    <section id="conversation" className="conversation" aria-labelledby="conversation-title">
      <h2 id="conversation-title">Conversation</h2>
      {conversation.length === 0 && (
        <div className="empty">
          <p>Nothing yet. Ask something above, or publish an update of your own.</p>
          <p>Open a second tab as the same user: both show everything as it happens.</p>
        </div>
      )}
      {conversation.map((entry) =>
        entry.kind === "run" ? (
          <RunCard key={entry.id} run={entry} onStop={onStop} />
        ) : (
          <UpdateCard key={entry.frame.key} update={entry} />
        ),
      )}
    </section>
  );
}

function UpdateCard({ update: { frame } }: { readonly update: OtherUpdate }): ReactElement {
  const title = `update-${frame.key}`;
  return (
    <article className="card update" aria-labelledby={title}>
      <header className="card-head">
        <h3 id={title}>
          Update for you <code>{frame.type || "without a type"}</code>
        </h3>
        <time dateTime={new Date(frame.at).toISOString()}>{clockTime(frame.at)}</time>
      </header>
      <CodeBlock text={formatJson(frame.payloadText || frame.text)} />
    </article>
  );
}
