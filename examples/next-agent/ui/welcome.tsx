import type { ReactNode } from "react";
import style from "./welcome.module.css";

const suggestions = [
  { title: "Slow readers", question: "What happens to a client that reads too slowly?" },
  { title: "Restarts", question: "What do clients see when Redis is restarted?" },
  { title: "Coming back", question: "How does a client resume where it was?" },
  { title: "Close codes", question: "Which close codes tell a client never to come back?" },
] as const;

/** What stands where no conversation has begun. */
export function Welcome({
  userName,
  ask,
}: {
  readonly userName: string;
  readonly ask: (question: string) => void;
}): ReactNode {
  return (
    <div className={style["welcome"]}>
      <h2 className={style["greeting"]}>What would you like to know, {userName.split(" ")[0]}?</h2>
      <p className={style["lead"]}>
        Quill reads the documentation of Tidings for you and quotes what it finds. Leave whenever you like:
        the answer goes on, and waits on every device.
      </p>
      <ul className={style["suggestions"]}>
        {suggestions.map(({ title, question }) => (
          <li key={question}>
            <button type="button" className={style["suggestion"]} onClick={() => ask(question)}>
              <span className={style["title"]}>{title}</span>
              <span>{question}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
