import { memberText } from "./raw-json.ts";

/** One frame that came from the relay, read once. */
export interface ReceivedFrame {
  /** Counts the frames of this page. */
  readonly key: number;
  /** The frame as it arrived. */
  readonly text: string;
  readonly bytes: number;
  /** When it arrived, in milliseconds since 1970. */
  readonly at: number;
  readonly type: string;
  readonly payload: unknown;
  /** The payload's own text. */
  readonly payloadText: string;
  /** The id of the message that a system frame answers. */
  readonly id: string | null;
}

/** Reads a frame. One that is no JSON object gets an empty type, so that the feed can still show it. */
export function readFrame(text: string, key: number, at: number): ReceivedFrame {
  const members = parseObject(text);
  const type = members["type"];
  const id = members["id"];
  return {
    key,
    text,
    at,
    bytes: new TextEncoder().encode(text).length,
    type: typeof type === "string" ? type : "",
    payload: members["payload"],
    payloadText: memberText(text, "payload") ?? "",
    id: typeof id === "string" ? id : null,
  };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(text));
  } catch {
    return {};
  }
}

/** The members of an object; none where the value is anything else. */
export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
