import type { Clock } from "../../clock.ts";
import { listenFault } from "../../listen-fault.ts";
import type { ChannelRegistry } from "./channels.ts";
import type { ServerView } from "./commands/command.ts";
import { dispatch, looksLikeHttp } from "./commands/dispatch.ts";
import { COMMANDS } from "./commands/table.ts";
import { LogPublisher } from "./log-publisher.ts";
import type { LogStore } from "./log-store.ts";
import { RESP_LIMITS, type RespLimits } from "./resp-limits.ts";
import { RespOutput } from "./resp-output.ts";
import { RespParser } from "./resp-parser.ts";
import { RespSession } from "./resp-session.ts";
import { encodeReply, errorReply } from "./resp-writer.ts";

/** The address it listens on. It asks for no password, so it must not be reachable from another machine. */
const LOOPBACK = "127.0.0.1";

/** What the server is made of. */
export interface RespServerOptions {
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Where messages meet: {@link EmbeddedBroker.channels} to see what the relay publishes. */
  readonly channels: ChannelRegistry;
  /** The logs that FCALL appends to: {@link EmbeddedBroker.store}. History is off without. */
  readonly store?: LogStore | null;
  readonly clock: Clock;
  /** Bounds that differ from {@link RESP_LIMITS}. */
  readonly limits?: Partial<RespLimits>;
}

/** What happened so far. */
export interface RespServerCounters {
  /** Connections refused at the cap. */
  refused: number;
  /** Connections cut because they left too much unread. */
  cutSlow: number;
  /** Connections closed because what they sent is not the Redis protocol, HTTP requests among them. */
  protocolFaults: number;
}

/** What belongs to one accepted socket. Null where it was refused at the cap. */
interface Connection {
  readonly session: RespSession;
  readonly parser: RespParser;
}

type RespSocket = Bun.Socket<Connection | null>;

/**
 * A loopback port that speaks enough of the Redis protocol for workers in development. Made by {@link
 * startRespServer}.
 */
export class RespServer {
  readonly counters: RespServerCounters = { refused: 0, cutSlow: 0, protocolFaults: 0 };
  readonly #options: RespServerOptions;
  readonly #limits: RespLimits;
  readonly #listener: Bun.TCPSocketListener<Connection | null>;
  readonly #sessions = new Set<RespSession>();
  readonly #view: ServerView;
  #nextId = 1;

  /** @throws {Error} where the port cannot be listened on; the message names it. */
  constructor(options: RespServerOptions) {
    this.#options = options;
    this.#limits = { ...RESP_LIMITS, ...options.limits };
    this.#listener = this.#listen(options.port);
    const { store = null } = options;
    this.#view = {
      port: this.port,
      channels: options.channels,
      publisher: store === null ? null : new LogPublisher(store),
      clock: options.clock,
      startedAt: options.clock.monotonic(),
      commandCount: COMMANDS.size,
      sessions: this.#sessions,
    };
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#listener.port;
  }

  /** How many programs are connected. */
  get connectionCount(): number {
    return this.#sessions.size;
  }

  /** Stops listening and closes every connection. Idempotent. */
  stop(): void {
    this.#listener.stop(true);
    for (const session of this.#sessions) this.#leave(session);
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #listen(port: number): Bun.TCPSocketListener<Connection | null> {
    try {
      return Bun.listen<Connection | null>({
        hostname: LOOPBACK,
        port,
        exclusive: true,
        data: null,
        socket: {
          open: (socket) => this.#open(socket),
          data: (socket, bytes) => this.#receive(socket, bytes),
          drain: (socket) => socket.data?.session.output.flush(),
          close: (socket) => {
            if (socket.data !== null) this.#leave(socket.data.session);
          },
        },
      });
    } catch (cause) {
      const reason = listenFault(cause);
      throw new Error(`the embedded broker cannot listen on ${LOOPBACK}:${port}: ${reason}`, { cause });
    }
  }

  #open(socket: RespSocket): void {
    socket.data = null;
    if (this.#sessions.size >= this.#limits.maxConnections) {
      this.counters.refused += 1;
      socket.end(encodeReply(errorReply("ERR max number of clients reached"), 2));
      return;
    }
    const output = new RespOutput(socket, this.#limits.maxOutputBytes, () => {
      this.counters.cutSlow += 1;
    });
    const session = new RespSession({
      id: this.#nextId,
      remoteAddress: `${socket.remoteAddress}:${socket.remotePort}`,
      localAddress: `${LOOPBACK}:${this.port}`,
      connectedAt: this.#options.clock.monotonic(),
      channels: this.#options.channels,
      output,
    });
    this.#nextId += 1;
    this.#sessions.add(session);
    socket.data = { session, parser: new RespParser(this.#limits) };
    socket.setNoDelay(true);
  }

  #receive(socket: RespSocket, bytes: Uint8Array): void {
    if (socket.data === null) return;
    const { session, parser } = socket.data;
    parser.feed(bytes);
    while (session.output.open) {
      const parsed = parser.next();
      if (parsed.type === "incomplete") return;
      if (parsed.type === "command" && !looksLikeHttp(parsed.line)) {
        dispatch({ session, server: this.#view }, parsed.line, parsed.bytes);
        continue;
      }
      this.counters.protocolFaults += 1;
      if (parsed.type === "fault") session.send(errorReply(parsed.message));
      session.output.end();
    }
  }

  #leave(session: RespSession): void {
    session.leaveAll();
    this.#sessions.delete(session);
  }
}

/**
 * Opens the loopback port.
 * @throws {Error} where the port cannot be listened on; the message names it.
 */
export function startRespServer(options: RespServerOptions): RespServer {
  return new RespServer(options);
}
