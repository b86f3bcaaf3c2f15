/** One frame of the relay, parsed. */
export interface Frame {
  readonly type: string;
  readonly payload?: unknown;
  readonly id?: string;
  readonly offset?: string;
  readonly [field: string]: unknown;
}

/** Reads a frame, or null where the text is none: a client passes over what it does not know. */
export function readFrame(text: unknown): Frame | null {
  try {
    const frame = JSON.parse(text as string) as Frame | null;
    return typeof frame?.type === "string" ? frame : null;
  } catch {
    return null;
  }
}
