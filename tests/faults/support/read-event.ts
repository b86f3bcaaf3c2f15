import type { ClientEvent } from "../judge/evidence.ts";

/** `tidings.closing`: when to come back, in milliseconds; null where it does not say. */
interface ClosingEvent {
  readonly kind: "closing";
  readonly retryAfterMs: number | null;
}

interface Frame {
  readonly type: string;
  readonly offset?: string;
  readonly payload?: Readonly<Record<string, unknown>> | null;
}

/** What a frame says, or null where it says nothing about updates. */
export function readEvent(text: string, at: number, since: string | null): ClientEvent | ClosingEvent | null {
  const { type, offset = null, payload } = JSON.parse(text) as Frame;
  const said = payload ?? {};
  if (!type.startsWith("tidings.")) return { kind: "update", at, key: String(said["key"]), offset };
  switch (type) {
    case "tidings.welcome":
    case "tidings.resumed":
      return {
        kind: "standing",
        at,
        offset: textOrNull(said["offset"]),
        since,
        recovered: typeof said["recovered"] === "boolean" ? said["recovered"] : null,
        following: Number(said["following"] ?? 0),
        reason: textOrNull(said["reason"]),
      };
    case "tidings.gap":
      return {
        kind: "gap",
        at,
        reason: String(said["reason"]),
        isBroadcast: said["broadcast"] === true,
        after: textOrNull(said["after"]),
        next: textOrNull(said["next"]),
        producer: textOrNull(said["producer"]),
        from: Number(said["from"] ?? 0),
        to: Number(said["to"] ?? 0),
      };
    case "tidings.closing":
      return {
        kind: "closing",
        retryAfterMs: typeof said["retry_after_ms"] === "number" ? said["retry_after_ms"] : null,
      };
    default:
      return null;
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
