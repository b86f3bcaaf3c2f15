import type { WebSocketHandler } from "bun";
import type { Session } from "./session.ts";

/** The bounds of one WebSocket, in bytes. */
export interface SocketBounds {
  /** Largest message a client may send. */
  readonly maxMessageBytes: number;
  /** Most that Bun may hold for a client that does not read: above what a client's own bound lets wait. */
  readonly maxBufferedBytes: number;
}

/**
 * How Bun treats every WebSocket of the relay: its events go to the session behind it. The heartbeat, the outbox and its
 * bound are ours, so Bun's own timeout and pings are off, and its limit holds only what the outbox does not see: pongs to
 * a client that reads none of them. Compression is off because it costs memory for each client.
 */
export function socketOptions({
  maxMessageBytes,
  maxBufferedBytes,
}: SocketBounds): WebSocketHandler<Session> {
  return {
    open: (socket) => socket.data.opened(socket),
    message: (socket, message) => socket.data.received(message),
    ping: (socket) => socket.data.pinged(),
    pong: (socket) => socket.data.heard(),
    drain: (socket) => socket.data.drained(),
    close: (socket, code, reason) => socket.data.closed({ code, reason }),
    maxPayloadLength: maxMessageBytes,
    idleTimeout: 0,
    sendPings: false,
    backpressureLimit: maxBufferedBytes,
    perMessageDeflate: false,
  };
}
