import type { Server, ServerWebSocket } from "bun";
import { listen } from "../packages/server/src/http/listen.ts";
import type { Session } from "../packages/server/src/websocket/session.ts";

/** Largest message that is sent back. The relay's own limit is far lower; outside suites send up to 16 MiB. */
const MAX_MESSAGE_BYTES = 32 * 1_048_576;

/** Sends every message back as it came, text as text and binary as binary. */
class EchoSession implements Session {
  #socket: ServerWebSocket<Session> | null = null;

  opened(socket: ServerWebSocket<Session>): void {
    this.#socket = socket;
  }

  received(message: string | Uint8Array): void {
    this.#socket?.send(message);
  }

  pinged(): void {}

  heard(): void {}

  drained(): void {}

  closed(): void {
    this.#socket = null;
  }
}

/**
 * An endpoint that echoes, at every path, on the relay's own `listen`: its socket options are the relay's by construction,
 * and only its bounds in bytes are larger. For conformance suites; it is not part of the executable, asks nobody who they
 * are, and listens on loopback alone.
 * @throws {Error} where the port cannot be listened on.
 */
export function startEcho(port: number): Server<Session> {
  return listen({
    host: "127.0.0.1",
    port,
    isShared: false,
    paths: ["/*"],
    route: async (request, server) => {
      if (server.upgrade(request, { data: new EchoSession() })) return undefined;
      return new Response("connect with a WebSocket client", { status: 426 });
    },
    maxBodyBytes: 0,
    sockets: { maxMessageBytes: MAX_MESSAGE_BYTES, maxBufferedBytes: 2 * MAX_MESSAGE_BYTES },
    onFault: (error) => console.error(error),
  });
}
