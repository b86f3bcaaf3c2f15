import type { ServerWebSocket } from "bun";

/** How a socket ended: 1006 without a reason where no Close frame did, with one where Bun closed it for a violation. */
export interface SocketEnd {
  readonly code: number;
  readonly reason: string;
}

/** What stands behind one open WebSocket: the relay's server hands every event of the socket to it. */
export interface Session {
  /** The socket is open. Called once, first. */
  opened(socket: ServerWebSocket<Session>): void;
  /** A whole message came: text as a string, binary as bytes. */
  received(message: string | Uint8Array): void;
  /** A ping came; Bun has answered it with a pong. */
  pinged(): void;
  /** A pong came: a sign of life. */
  heard(): void;
  /** The socket took some of what waited in it. */
  drained(): void;
  /** The socket is gone. Called once, last. */
  closed(end: SocketEnd): void;
}
