import { memo, type NamedExoticComponent, type ReactElement, useState } from "react";
import { formatJson } from "../raw-json.ts";
import { asRecord, type ReceivedFrame } from "../received-frame.ts";
import { CodeBlock } from "./code-block.tsx";

/** How much of a frame the feed shows, in characters. */
const shownLength = 8_000;

/** The latest frames as they came, newest first. */
export function Feed({
  frames,
  total,
  onClear,
}: {
  readonly frames: readonly ReceivedFrame[];
  readonly total: number;
  readonly onClear: () => void;
}): ReactElement {
  const [held, setHeld] = useState<readonly ReceivedFrame[] | null>(null);
  const shown = held ?? frames;
  const clear = (): void => {
    setHeld(null);
    onClear();
  };
  return (
    <section id="feed" className="panel feed" aria-labelledby="feed-title">
      <div className="panel-head">
        <h2 id="feed-title">Live feed</h2>
        <span className="feed-count">
          {total > frames.length
            ? `last ${frames.length} of ${total} frames`
            : `${total} ${total === 1 ? "frame" : "frames"}`}
        </span>
        <button type="button" className="button-quiet" onClick={() => setHeld(held === null ? frames : null)}>
          {held === null ? "Pause" : "Resume"}
        </button>
        <button type="button" className="button-quiet" onClick={clear}>
          Clear
        </button>
      </div>
      {shown.length === 0 ? (
        <p className="feed-empty">Every frame that reaches this tab appears here, as it came.</p>
      ) : (
        <ol aria-label="Frames, newest first">
          {shown.map((frame) => (
            <FeedRow key={frame.key} frame={frame} />
          ))}
        </ol>
      )}
    </section>
  );
}

const FeedRow: NamedExoticComponent<FeedRowProps> = memo(FeedRowView);

interface FeedRowProps {
  readonly frame: ReceivedFrame;
}

function FeedRowView({ frame }: FeedRowProps): ReactElement {
  const [isOpen, setOpen] = useState(false);
  const isOurs = frame.type.startsWith("tidings.");
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <time dateTime={new Date(frame.at).toISOString()}>{clockTime(frame.at)}</time>
          <span className={isOurs ? "feed-type feed-type-system" : "feed-type"}>
            {frame.type || "(no type)"}
          </span>
          <span className="feed-payload">{gist(frame).slice(0, 160)}</span>
          <span className="feed-size">{size(frame.bytes)}</span>
        </summary>
        {isOpen && <CodeBlock text={shownText(frame.text)} />}
      </details>
    </li>
  );
}

/** What matters most of a frame: whether anything is missing, else its payload. */
function gist({ type, payload, payloadText }: ReceivedFrame): string {
  if (!type.startsWith("tidings.")) return payloadText;
  const { recovered, following, message } = asRecord(payload);
  if (recovered === false) return `not recovered: ${String(message)}`;
  return recovered === true ? `recovered: ${String(following)} updates follow` : payloadText;
}

function shownText(text: string): string {
  const formatted = formatJson(text.slice(0, shownLength));
  const left = text.length - shownLength;
  return left > 0 ? `${formatted}… and ${left} characters more` : formatted;
}

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

/** A time of the day to the millisecond. */
export function clockTime(at: number): string {
  return clock.format(at);
}

function size(bytes: number): string {
  return bytes < 1_024 ? `${bytes} B` : `${(bytes / 1_024).toFixed(1)} KiB`;
}
