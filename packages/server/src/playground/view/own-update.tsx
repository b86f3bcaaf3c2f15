import { type ReactElement, useEffect, useRef, useState } from "react";
import { asRecord } from "../received-frame.ts";
import { publishCommands } from "../publish-commands.ts";

/** Where a worker publishes, as `/playground.json` tells. */
interface Place {
  /** Port of the embedded broker; null where the relay uses a Redis of its own. */
  readonly embeddedPort: number | null;
  readonly channel: string;
}

/** Lines to copy that send this user an update from a terminal. */
export function OwnUpdate({ user }: { readonly user: string }): ReactElement {
  const place = usePlace();
  return (
    <section id="own-update" className="panel" aria-labelledby="own-update-title">
      <h2 id="own-update-title">Your own update</h2>
      <p>Run one of these lines in a terminal, and watch it arrive here and in every tab of “{user}”.</p>
      {place !== null &&
        publishCommands(user, place.channel, place.embeddedPort).map(({ title, hint, command }) => (
          <Command key={title} title={title} hint={hint} command={command} />
        ))}
    </section>
  );
}

function Command(props: {
  readonly title: string;
  readonly hint: string;
  readonly command: string;
}): ReactElement {
  const code = useRef<HTMLElement>(null);
  const [told, setTold] = useState("");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(props.command);
      setTold("Copied");
    } catch {
      // Without a secure context there is no clipboard: select the line, so that one keystroke copies it.
      if (code.current !== null) getSelection()?.selectAllChildren(code.current);
      setTold("Selected: press Ctrl+C");
    }
  };
  useEffect(() => {
    if (told === "") return undefined;
    const timer = setTimeout(() => setTold(""), 2_500);
    return () => clearTimeout(timer);
  }, [told]);
  return (
    <div className="command">
      <div className="command-head">
        <h3>{props.title}</h3>
        <span>{props.hint}</span>
        <button type="button" className="button-quiet" onClick={() => void copy()}>
          {told || "Copy"}
          <span className="visually-hidden"> the line for {props.title}</span>
        </button>
        <output className="visually-hidden">{told}</output>
      </div>
      <pre>
        <code ref={code}>{props.command}</code>
      </pre>
    </div>
  );
}

function usePlace(): Place | null {
  const [place, setPlace] = useState<Place | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const read = async (): Promise<void> => {
      const found = await readPlace(stop.signal);
      if (!stop.signal.aborted) setPlace(found);
    };
    void read();
    return () => stop.abort();
  }, []);
  return place;
}

async function readPlace(signal: AbortSignal): Promise<Place> {
  try {
    const response = await fetch("/playground.json", { signal });
    const { embeddedPort, channel } = asRecord(await response.json());
    return {
      embeddedPort: typeof embeddedPort === "number" ? embeddedPort : null,
      channel: typeof channel === "string" ? channel : "updates",
    };
  } catch {
    return { embeddedPort: null, channel: "updates" };
  }
}
