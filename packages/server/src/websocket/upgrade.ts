import { type CloseName, parseSince, SUBPROTOCOL } from "@tidings/protocol";
import type { Server } from "bun";
import { andThen } from "../and-then.ts";
import type { Authenticator, Identity, Refusal } from "../auth/authenticator.ts";
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
  /** A Tidings client that was upgraded to be refused is gone again. */
  readonly onRefusedClosed: (by: CloseName) => void;
}

/** The answer to a request for `/ws`; undefined where the connection became a WebSocket. */
type Answer = Response | undefined;

/** One request on its way to a WebSocket. */
interface Attempt {
  readonly request: Request;
  readonly server: Server<Session>;
  readonly place: Place;
  /** Whether the client offers any subprotocol. */
  readonly offersProtocol: boolean;
  readonly speaksTidings: boolean;
}

/** Turns requests for `/ws` into WebSockets. */
export class Upgrade {
  readonly #options: UpgradeOptions;

  constructor(options: UpgradeOptions) {
    this.#options = options;
  }

  /** Answers one request for `/ws`, at once where it can; undefined where the connection became a WebSocket. */
  handle(request: Request, server: Server<Session>): Answer | Promise<Answer> {
    const { door, authenticator } = this.#options;
    const caller = door.callerOf(request, server);
    const fault = handshakeFault(request);
    if (fault !== null) return door.refuse(fault, caller.address, request.method);
    const place = door.enter(request, caller);
    if (place instanceof Response) return place;
    const offered = request.headers.get("sec-websocket-protocol");
    const speaksTidings = offered?.split(",").some((name) => name.trim() === SUBPROTOCOL) ?? false;
    const attempt = { request, server, place, offersProtocol: offered !== null, speaksTidings };
    try {
      const answer = andThen(authenticator.authenticate(request), (result) =>
        result.ok ? this.#letIn(attempt, result.identity) : this.#turnAway(attempt, result.refusal),
      );
      return answer instanceof Promise ? answer.catch((error: unknown) => giveUp(place, error)) : answer;
    } catch (error) {
      return giveUp(place, error);
    }
  }

  #turnAway(attempt: Attempt, refusal: Refusal): Answer {
    const { door, onRefusedClosed } = this.#options;
    const { address, release } = attempt.place;
    if (!attempt.speaksTidings) {
      release(false);
      return door.refuseToken(refusal, address);
    }
    const session = new RefusedSession(refusal, (by) => {
      release(true);
      onRefusedClosed(by);
    });
    if (!this.#open(attempt, session)) return this.#fail(attempt.place);
    door.refuseToken(refusal, address);
    return undefined;
  }

  #letIn(attempt: Attempt, who: Identity): Answer | Promise<Answer> {
    const { door, history } = this.#options;
    const { request, place, speaksTidings } = attempt;
    const since = history === null && !speaksTidings ? null : sinceOf(request.url);
    // A Tidings client is told in its welcome, since a browser cannot read the status.
    if (since !== null && !speaksTidings && parseSince(since) === null) {
      place.release(false);
      return door.refuse("bad_since", place.address);
    }
    return andThen(history === null ? null : history.admit(who.userId), (feed) =>
      this.#begin(attempt, who, { feed, since }),
    );
  }

  #begin(attempt: Attempt, who: Identity, { feed, since }: Pick<ClientIdentity, "feed" | "since">): Answer {
    const { door, history, openSession } = this.#options;
    const { place, speaksTidings } = attempt;
    // Asked last: the relay may have begun to drain meanwhile.
    const refusal = door.refuseUser(who.userId, place);
    if (refusal !== null) {
      if (feed !== null) history?.release(feed);
      return refusal;
    }
    const session = openSession({ ...who, ...place, speaksTidings, feed, since }, place.release);
    if (!this.#open(attempt, session)) {
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
  #open({ request, server, offersProtocol, speaksTidings }: Attempt, session: Session): boolean {
    if (offersProtocol) request.headers.delete("sec-websocket-protocol");
    return server.upgrade(request, {
      data: session,
      ...(speaksTidings ? { headers: { "Sec-WebSocket-Protocol": SUBPROTOCOL } } : {}),
    });
  }

  #fail({ address, release }: Place): Response {
    release(false);
    return this.#options.door.refuse("failed", address);
  }
}

/** Passes a fault on to the server, which answers it, after giving the place back. */
function giveUp({ release }: Place, fault: unknown): never {
  release(false);
  throw fault;
}
