import type { CloseName } from "@tidings/protocol";
import type { Recipient } from "../websocket/hub.ts";
import type { CatchUp } from "./catch-up.ts";
import type { Feed } from "./feed.ts";

/** What history needs of a client, however it is connected. */
export interface HistoryClient extends Recipient {
  /** Whether frames can still be sent. */
  readonly isOpen: boolean;
  /** Whether frames wait because the network does not take them; then `catchUp.writable()` is called once it does. */
  readonly isBlocked: boolean;
  /** How far the client's user is delivered here; null where there is no history. */
  readonly feed: Feed | null;
  /** Present while the client is not at the live end: updates are then offered to it instead of sent. */
  catchUp: CatchUp | null;
  /** Sends a system frame, after which the client stands at `offset`; a plain client does not get it. */
  sendSystem(frame: string, offset?: string): void;
  close(name: CloseName, details: { readonly retryAfterMs: number }): void;
}
