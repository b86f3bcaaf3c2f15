import type { WelcomePayload } from "@tidings/protocol";
import type { Frame } from "./frame.ts";
import type { Status, Transport } from "./status.ts";
import type { TokenSource } from "./token.ts";

/** What a line tells its session. */
export interface LineEvents {
  /** From where the next connection is to resume, or null for what is new from then on. */
  since(): string | null;
  /** A connection stands. `asked`: the `since` it was opened with. Frames follow. */
  welcome(payload: WelcomePayload, asked: string | null, transport: Transport): void;
  /** A frame that the line did not need for itself. */
  frame(frame: Frame): void;
  /** No connection stands any more, or yet. */
  down(status: Status): void;
}

/** A connection to the relay that comes back by itself, this tab's own or one that tabs share. */
export interface Line {
  /** Sends one frame; false where that is not possible now. */
  send(frame: Frame): boolean;
  /** Tries at once whatever the relay said, with another token where one is given. */
  reconnect(token?: TokenSource): void;
  /** Something says that trying again now is worth it, or that the connection may be dead. */
  wake(): void;
  /** Ends it for good; no event follows. */
  close(): void;
}

/** What a line is opened with. */
export interface LineOptions {
  readonly url: URL;
  readonly token?: TokenSource;
}
