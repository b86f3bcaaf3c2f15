import { type CloseName, parseSince, SUBPROTOCOL } from "@tidings/protocol";
import type { Server } from "bun";
import type { Authenticator } from "../auth/authenticator.ts";
import type { History } from "../history/history.ts";
import type { Release } from "./admission.ts";
import type { ClientIdentity } from "./client.ts";
import type { Door, Place } from "./door.ts";
import { handshakeFault } from "./handshake.ts";
import { RefusedSession } from "./refused-session.ts";
import type { Session } from "./session.ts";
import { sinceOf } from "./since.ts";

/** What upgrades work with. */
export interface UpgradeOptions {
  readonly door: Door;
  readonly authenticator: Authenticator;
  /** Knows where users stand; null without history. */
  readonly history: Pick<History, "admit" | "release"> | null;
  /** Makes the session of a client that was let in; `release` must be called once it is gone. */
  readonly openSession: (identity: ClientIdentity, release: Release) => Session;
  readonly newConnectionId: () => string;
  /** A Tidings client that was upgraded to be refused is gone again. */
  readonly onRefusedClosed: (by: CloseName) => void;
}

/** Turns requests for `/ws` into WebSockets. */
export class Upgrade {
  readonly #options: UpgradeOptions;

  constructor(options: UpgradeOptions) {
    this.#options = options;
  }

  /** Answers one request for `/ws`; undefined where the connection became a WebSocket. */
  async handle(request: Request, server: Server<Session>): Promise<Response | undefined> {
    const { door } = this.#options;
    const address = door.addressOf(request, server);
    const fault = handshakeFault(request);
    if (fault !== null) return door.refuse(fault, address, request.method);
    const place = door.enter(request, address);
    if (place instanceof Response) return place;
    try {
      return await this.#authenticate(request, server, place);
    } catch (error) {
      place.release(false);
      throw error;
    }
  }

  async #authenticate(
    request: Request,
    server: Server<Session>,
    place: Place,
  ): Promise<Response | undefined> {
    const { door, authenticator, history, openSession } = this.#options;
    const { address, release } = place;
    const peer = door.peerOf(request, server);
    const offered = request.headers.get("sec-websocket-protocol");
    const speaksTidings = offered?.split(",").some((name) => name.trim() === SUBPROTOCOL) ?? false;
    const result = await authenticator.authenticate(request);
    if (!result.ok) {
      const { refusal } = result;
      if (speaksTidings) {
        const session = new RefusedSession(refusal, (by) => {
          release(true);
          this.#options.onRefusedClosed(by);
        });
        if (!this.#open(request, server, speaksTidings, session)) return this.#fail(place);
      } else release(false);
      const answer = door.refuseToken(refusal, address);
      return speaksTidings ? undefined : answer;
    }
    const since = history === null && !speaksTidings ? null : sinceOf(request.url);
    // A Tidings client is told in its welcome, since a browser cannot read the status.
    if (since !== null && !speaksTidings && parseSince(since) === null) {
      release(false);
      return door.refuse("bad_since", address);
    }
    const feed = history === null ? null : await history.admit(result.identity.userId);
    // Asked last: the relay may have begun to drain meanwhile.
    const refusal = door.refuseUser(result.identity.userId, place);
    if (refusal !== null) {
      if (feed !== null) history?.release(feed);
      return refusal;
    }
    const identity = {
      ...result.identity,
      address,
      peer,
      speaksTidings,
      connectionId: this.#options.newConnectionId(),
      feed,
      since,
    };
    const session = openSession(identity, release);
    if (!this.#open(request, server, speaksTidings, session)) {
      if (feed !== null) history?.release(feed);
      return this.#fail(place);
    }
    door.accepted();
    return undefined;
  }

  /**
   * Upgrades, and names the one subprotocol the relay speaks where it was offered: never the token beside it. False where
   * the handshake is incomplete or the client has left.
   */
  #open(request: Request, server: Server<Session>, speaksTidings: boolean, session: Session): boolean {
    request.headers.delete("sec-websocket-protocol");
    const headers: Record<string, string> = speaksTidings ? { "Sec-WebSocket-Protocol": SUBPROTOCOL } : {};
    return server.upgrade(request, { data: session, headers });
  }

  #fail({ address, release }: Place): Response {
    release(false);
    return this.#options.door.refuse("failed", address);
  }
}
