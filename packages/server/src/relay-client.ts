import type { CloseName } from "@tidings/protocol";
import type { HistoryClient } from "./history/history-client.ts";
import type { CloseDetails } from "./websocket/client.ts";

/** A client of a user, however it is connected: what the relay greets, counts, drains, replaces and closes. */
export interface RelayClient extends HistoryClient {
  readonly connectionId: string;
  readonly address: string;
  /** The other end of the TCP connection, by `peerName`. */
  readonly peer: string;
  readonly speaksTidings: boolean;
  /** From where the client asks to resume, or null. */
  readonly since: string | null;
  /** When the identity runs out, in milliseconds since 1970, or null. */
  readonly expiresAt: number | null;
  /** `jti` of the token, where it has one that can be revoked. */
  readonly tokenId: string | undefined;
  /** `iat` of the token, in seconds since 1970. */
  readonly issuedAt: number | undefined;
  /** When the connection opened, in monotonic milliseconds. */
  openedAt: number;
  /** Closes the connection by a row of the table, after what waits for it. Does nothing where it is closing already. */
  close(name: CloseName, details?: CloseDetails): void;
}
