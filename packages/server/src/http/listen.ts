import type { HTMLBundle, Server, WebSocketHandler } from "bun";
import type { Session } from "../websocket/session.ts";
import { listenFault } from "../listen-fault.ts";
import { problemResponse } from "./problem.ts";
import type { Route } from "./routes.ts";

/** Seconds in which a request must come in and its answer be taken. */
const HTTP_IDLE_SECONDS = 10;

/** Room above the largest body for which a request still gets an answer that explains, instead of a cut connection. */
const BODY_MARGIN_BYTES = 1_048_576;

/** The bounds of one WebSocket, in bytes. */
export interface SocketBounds {
  /** Largest message a client may send. */
  readonly maxMessageBytes: number;
  /** Most that Bun may hold for a client that does not read: above what a client's own bound lets wait. */
  readonly maxBufferedBytes: number;
}

/** How a port is opened. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Whether other processes of this relay listen on the same port; the kernel spreads connections over them. */
  readonly isShared: boolean;
  readonly route: Route;
  readonly maxBodyBytes: number;
  /** What WebSockets may do; null for a port that has none. */
  readonly sockets: SocketBounds | null;
  /** Pages served beside the routes, by path; development only. */
  readonly pages?: Readonly<Record<string, HTMLBundle | (() => Response)>>;
  /** Told of a fault in a handler, which the other side sees as status 500. */
  readonly onFault: (error: unknown) => void;
}

/**
 * The events of every WebSocket, handed to the session behind it. The heartbeat, the outbox and its bound are ours, so
 * Bun's own timeout and pings are off, and its limit holds only what the outbox does not see: pongs to a client that
 * reads none of them. Compression is off because it costs memory for each client.
 */
function handlers({ maxMessageBytes, maxBufferedBytes }: SocketBounds): WebSocketHandler<Session> {
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

/**
 * Opens one port.
 * @throws {Error} where the port cannot be listened on; the message names it.
 */
export function listen(options: ListenOptions): Server<Session> {
  const { host, port, isShared, route, maxBodyBytes, sockets, pages = {}, onFault } = options;
  try {
    return Bun.serve<Session>({
      hostname: host,
      port,
      fetch: (request, server) => route(request, server),
      routes: pages,
      websocket: handlers(sockets ?? { maxMessageBytes: 0, maxBufferedBytes: 1 }),
      maxRequestBodySize: maxBodyBytes + BODY_MARGIN_BYTES,
      idleTimeout: HTTP_IDLE_SECONDS,
      development: false,
      // Without development mode Bun shares the port with whoever else serves on it, unless told not to.
      reusePort: isShared,
      error(error) {
        onFault(error);
        return problemResponse({
          status: 500,
          code: "internal",
          title: "Internal error",
          detail: "The relay failed to handle this request; its log says more.",
        });
      },
    });
  } catch (cause) {
    throw new Error(`cannot listen on ${host}:${port}: ${listenFault(cause)}`, { cause });
  }
}
