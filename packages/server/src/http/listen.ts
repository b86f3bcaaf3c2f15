import type { HTMLBundle, Server } from "bun";
import { listenFault } from "../listen-fault.ts";
import type { Session } from "../websocket/session.ts";
import { type SocketBounds, socketOptions } from "../websocket/socket-options.ts";
import { notFound, problemResponse } from "./problem.ts";
import type { Route } from "./routes.ts";

/** Seconds in which a request must come in and its answer be taken. */
const HTTP_IDLE_SECONDS = 10;

/** Room above the largest body for which a request still gets an answer that explains, instead of a cut connection. */
const BODY_MARGIN_BYTES = 1_048_576;

/** How a port is opened. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Whether other processes of this relay listen on the same port; the kernel spreads connections over them. */
  readonly isShared: boolean;
  /**
   * The addresses that `route` is asked about, as Bun's router writes them. They are compared with the path as it was
   * sent: `/ws/../metrics` is not `/metrics`, since a proxy that lets only `/ws` through may have taken it for the former.
   */
  readonly paths: readonly string[];
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
 * Opens one port.
 * @throws {Error} where the port cannot be listened on; the message names it.
 */
export function listen(options: ListenOptions): Server<Session> {
  const { host, port, isShared, paths, route, maxBodyBytes, sockets, pages = {}, onFault } = options;
  try {
    return Bun.serve<Session>({
      hostname: host,
      port,
      routes: { ...Object.fromEntries(paths.map((path) => [path, route])), ...pages },
      fetch: () => problemResponse(notFound),
      websocket: socketOptions(sockets ?? { maxMessageBytes: 0, maxBufferedBytes: 1 }),
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
