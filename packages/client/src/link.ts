import type { End } from "./come-back.ts";
import type { Transport } from "./status.ts";

/** What is to be opened. */
export interface LinkRequest {
  readonly url: string;
  readonly token: string | null | undefined;
}

/** What a link tells, until it was closed. */
export interface LinkEvents {
  /** Something came, be it only a sign of life. */
  heard(): void;
  /** A message came, after `heard`. */
  message(text: unknown): void;
  /** It is over, or could not be opened. */
  lost(end: End): void;
}

/** One transport to the relay, from the attempt to open it to its end. */
export interface Link {
  readonly transport: Transport;
  /** Sends one message; false where the transport has no way up. */
  send(text: string): boolean;
  close(): void;
}
