import type { Server } from "bun";
import type { Authenticator } from "../auth/authenticator.ts";
import type { History } from "../history/history.ts";
import { refuseMethod } from "../http/allowed-methods.ts";
import { allowPage, preflightResponse } from "../http/cross-origin.ts";
import type { ClientIdentity } from "../websocket/client.ts";
import type { Door, Place } from "../websocket/door.ts";
import type { Session } from "../websocket/session.ts";
import { sinceOf } from "../websocket/since.ts";
import type { StreamClient, StreamPlace, StreamSink } from "./stream-client.ts";

/** What streams work with. */
export interface StreamEndpointOptions {
  readonly door: Door;
  readonly authenticator: Authenticator;
  /** Knows where users stand; null without history. */
  readonly history: Pick<History, "admit" | "release"> | null;
  /** Makes the client of a stream that has begun. */
  readonly openStream: (identity: ClientIdentity, place: StreamPlace, sink: StreamSink) => StreamClient;
}

const METHODS = ["GET", "HEAD", "OPTIONS"];

/**
 * Seconds after which a stream that the relay ended is cut where nobody reads the rest of it. Bun counts them in steps of
 * four, so it is 4 to 8 s; the client's place is kept for as long.
 */
const END_SECONDS = 8;

/**
 * Nothing on the way may keep, change or collect a stream. It ends with its connection, so that a client which comes back
 * is given to a relay anew.
 */
const HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
  connection: "close",
};

/** Answers `/v1/stream`: updates as server-sent events, for networks that block WebSockets. */
export class StreamEndpoint {
  readonly #options: StreamEndpointOptions;

  constructor(options: StreamEndpointOptions) {
    this.#options = options;
  }

  /** Answers one request. */
  async handle(request: Request, server: Server<Session>): Promise<Response> {
    const response = await this.#answer(request, server);
    const origin = request.headers.get("origin");
    response.headers.set("vary", "Origin");
    if (origin !== null && this.#options.door.allowsOrigin(request)) allowPage(response, origin);
    return response;
  }

  async #answer(request: Request, server: Server<Session>): Promise<Response> {
    const { door } = this.#options;
    const refusal = refuseMethod(request, METHODS);
    if (refusal !== null) return refusal;
    const caller = door.callerOf(request, server);
    if (!door.allowsOrigin(request)) {
      return door.refuse("origin_refused", caller.address, request.headers.get("origin") ?? "");
    }
    if (request.method === "OPTIONS") return preflightResponse(METHODS.join(", "));
    const place = door.enter(request, caller);
    if (place instanceof Response) return place;
    try {
      return await this.#authenticate(request, server, place);
    } catch (error) {
      place.release(false);
      throw error;
    }
  }

  async #authenticate(request: Request, server: Server<Session>, place: Place): Promise<Response> {
    const { door, authenticator, history } = this.#options;
    const { address, peerAddress, peerPort, release } = place;
    const result = await authenticator.authenticate(request);
    if (!result.ok) {
      release(false);
      return door.refuseToken(result.refusal, address);
    }
    const feed = history === null ? null : await history.admit(result.identity.userId);
    // Asked last: the relay may have begun to drain meanwhile.
    const refusal = door.refuseUser(result.identity.userId, place);
    if (refusal !== null || request.method === "HEAD") {
      if (feed !== null) history?.release(feed);
      if (refusal !== null) return refusal;
      release(false);
      return new Response(null, { headers: HEADERS });
    }
    const identity = {
      ...result.identity,
      address,
      peerAddress,
      peerPort,
      speaksTidings: true,
      feed,
      since: request.headers.get("last-event-id") || sinceOf(request.url),
    };
    return this.#stream(identity, request, server, place);
  }

  /** Bun asks for the stream's content once it sends the answer; where the client has left by then, it cancels instead. */
  #stream(identity: ClientIdentity, request: Request, server: Server<Session>, place: Place): Response {
    const { door, history, openStream } = this.#options;
    const { feed } = identity;
    const { release } = place;
    let client: StreamClient | null = null;
    const source: Bun.DirectUnderlyingSource<string> = {
      type: "direct",
      pull: (sink) => {
        client = openStream(
          identity,
          { release, limitEnd: () => server.timeout(request, END_SECONDS) },
          sink,
        );
        door.accepted();
        client.open();
      },
      cancel: () => {
        if (client !== null) {
          client.gone();
          return;
        }
        release(false);
        if (feed !== null) history?.release(feed);
        door.refuse("failed", place.address);
      },
    };
    // An idle stream is kept by its own heartbeat.
    server.timeout(request, 0);
    return new Response(new ReadableStream(source), { headers: HEADERS });
  }
}
