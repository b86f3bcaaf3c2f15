import { type ReactElement, StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { usePlayground } from "./use-playground.ts";
import { Announcer } from "./view/announcer.tsx";
import { Ask } from "./view/ask.tsx";
import { ConversationList } from "./view/conversation-list.tsx";
import { Feed } from "./view/feed.tsx";
import { Header } from "./view/header.tsx";
import { OwnUpdate } from "./view/own-update.tsx";
import { Toast } from "./view/toast.tsx";

function App(): ReactElement {
  const [user, setUser] = useState(userFromAddress);
  useEffect(() => {
    const follow = (): void => setUser(userFromAddress());
    addEventListener("popstate", follow);
    return () => removeEventListener("popstate", follow);
  }, []);
  useEffect(() => {
    document.title = `${user} · Tidings playground`;
  }, [user]);
  const switchTo = (next: string): void => {
    history.pushState(null, "", `?${new URLSearchParams({ user: next })}`);
    setUser(next);
  };
  // Keyed by user: nothing that one user was shown stays on the screen of the next.
  return <PlaygroundPage key={user} user={user} onSwitch={switchTo} />;
}

function PlaygroundPage(props: {
  readonly user: string;
  readonly onSwitch: (user: string) => void;
}): ReactElement {
  const { status, state, ask, stop, clearFeed, retryNow } = usePlayground(props.user);
  return (
    <>
      <nav aria-label="Skip" className="skip">
        <a href="#question">Skip to the question</a>
        <a href="#own-update">Skip to your own update</a>
      </nav>
      <Header user={props.user} status={status} onSwitch={props.onSwitch} onRetry={retryNow} />
      <div className="page">
        <main>
          <Ask isLive={status.kind === "live"} onAsk={ask} />
          <ConversationList conversation={state.conversation} onStop={stop} />
        </main>
        <aside aria-label="Updates and frames">
          <OwnUpdate user={props.user} />
          <Feed frames={state.feed} total={state.feedTotal} onClear={clearFeed} />
        </aside>
      </div>
      <footer className="footer">
        Development mode: the user id in the address is believed. In production it comes from a token.
      </footer>
      <Toast conversation={state.conversation} />
      <Announcer conversation={state.conversation} />
    </>
  );
}

function userFromAddress(): string {
  return new URLSearchParams(location.search).get("user") || "demo";
}

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
