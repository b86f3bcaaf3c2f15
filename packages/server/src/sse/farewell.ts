import { type CloseName, closeCodes, closingFrame } from "@tidings/protocol";
import type { CloseDetails } from "../websocket/client.ts";
import { eventText, retryText } from "./event-text.ts";

/** What a browser's EventSource, which always comes back, is told to wait where a client should not, in milliseconds. */
const NEVER_MS = 3_600_000;

/** The last event of a stream that the relay ends: `tidings.closing`, and when an EventSource comes back. */
export function farewell(name: CloseName, details: CloseDetails): string {
  const { code, comeBack, reason } = closeCodes[name];
  const retryMs = details.retryAfterMs ?? (comeBack === "now" ? 0 : undefined);
  const frame = closingFrame({
    code,
    reason: details.reason ?? reason,
    come_back: comeBack,
    ...(retryMs === undefined ? {} : { retry_after_ms: retryMs }),
  });
  const waitMs = comeBack === "never" ? NEVER_MS : details.retryAfterMs;
  return (waitMs === undefined ? "" : retryText(waitMs)) + eventText(frame, null);
}
