import { type CloseName, parseSince, resumeFaults, SUBPROTOCOL } from "@tidings/protocol";
import type { Server } from "bun";
import type { Authenticator, Refusal } from "../auth/authenticator.ts";
import type { ClientAddressReader } from "../http/client-address.ts";
import type { OriginPolicy } from "../http/origin.ts";
import { type Problem, problemResponse } from "../http/problem.ts";
import type { Admission, AdmissionFault, Release } from "./admission.ts";
import type { History } from "../history/history.ts";
import type { ClientIdentity } from "./client.ts";
import { RefusedSession } from "./refused-session.ts";
import type { Session } from "./session.ts";

/** How a handshake ended, for the metrics. */
export type HandshakeResult =
  | "accepted"
  | "not_websocket"
  | "origin_refused"
  | "token_refused"
  | "token_undecided"
  | "draining"
  | "user_full"
  | "bad_since"
  | AdmissionFault
  | "failed";

/** What the door works with. */
export interface UpgradeOptions {
  readonly origins: OriginPolicy;
  readonly addresses: ClientAddressReader;
  readonly admission: Admission;
  readonly authenticator: Authenticator;
  /** Whether the relay's policy takes one more client of a user. */
  readonly hasRoom: (userId: string) => boolean;
  /** Knows where users stand; null without history. */
  readonly history: Pick<History, "admit" | "release"> | null;
  /** Makes the session of a client that was let in; `release` must be called once it is gone. */
  readonly openSession: (identity: ClientIdentity, release: Release) => Session;
  readonly newConnectionId: () => string;
  readonly isDraining: () => boolean;
  readonly count: (result: HandshakeResult) => void;
  /** A Tidings client that was upgraded to be refused is gone again. */
  readonly onRefusedClosed: (by: CloseName) => void;
  /** A line for the log about somebody who was not let in. */
  readonly onRefused: (result: HandshakeResult, address: string, detail: string) => void;
}

/** Seconds after which somebody who met a full or draining relay may try again. */
const RETRY_AFTER_SECONDS = "5";

const problems: Readonly<
  Record<Exclude<HandshakeResult, "accepted" | "token_refused" | "token_undecided">, Problem>
> = {
  not_websocket: {
    status: 426,
    code: "not_websocket",
    title: "WebSocket required",
    detail: "Connect to /ws with a WebSocket client (RFC 6455, version 13).",
  },
  origin_refused: {
    status: 403,
    code: "origin_refused",
    title: "Origin not allowed",
    detail: "Pages of this origin may not connect. Add it to TIDINGS_ALLOWED_ORIGINS.",
  },
  draining: {
    status: 503,
    code: "draining",
    title: "Shutting down",
    detail: "This relay is shutting down. Connect again to reach another one.",
  },
  relay_full: {
    status: 503,
    code: "relay_full",
    title: "Relay full",
    detail: "This relay has as many connections as it may hold (TIDINGS_MAX_CONNECTIONS).",
  },
  address_full: {
    status: 429,
    code: "address_full",
    title: "Too many connections",
    detail: "This address has as many connections as it may hold (TIDINGS_MAX_CONNECTIONS_PER_ADDRESS).",
  },
  user_full: {
    status: 429,
    code: "user_full",
    title: "Too many connections",
    detail: "This user has as many connections as they may hold (TIDINGS_MAX_CONNECTIONS_PER_USER).",
  },
  bad_since: {
    status: 400,
    code: "bad_since",
    title: "Not a place to resume from",
    detail: `${resumeFaults.malformed}.`,
  },
  failed: {
    status: 400,
    code: "handshake_failed",
    title: "Handshake failed",
    detail: "The WebSocket handshake is incomplete, or the client left before it was answered.",
  },
};

/** The door: decides who becomes a client. Cheap checks come first, and nothing is believed before the token is. */
export class Upgrade {
  readonly #options: UpgradeOptions;

  constructor(options: UpgradeOptions) {
    this.#options = options;
  }

  /** Answers one request for `/ws`; undefined where the connection became a WebSocket. */
  async handle(request: Request, server: Server<Session>): Promise<Response | undefined> {
    const { addresses, origins, admission, isDraining } = this.#options;
    const { headers } = request;
    const peer = server.requestIP(request)?.address ?? "";
    const address = addresses.read(peer, headers.get("x-forwarded-for"));
    if (headers.get("upgrade")?.toLowerCase() !== "websocket" || request.method !== "GET") {
      return this.#refuse("not_websocket", address, request.method);
    }
    if (isDraining()) return this.#refuse("draining", address, "");
    const origin = headers.get("origin");
    if (!origins.allows(origin, headers.get("host"))) {
      return this.#refuse("origin_refused", address, origin ?? "");
    }
    const release = admission.admit(addresses.key(address));
    if (typeof release !== "function") return this.#refuse(release, address, "");
    try {
      return await this.#authenticate(request, server, address, release);
    } catch (error) {
      release(false);
      throw error;
    }
  }

  async #authenticate(
    request: Request,
    server: Server<Session>,
    address: string,
    release: Release,
  ): Promise<Response | undefined> {
    const offered = request.headers.get("sec-websocket-protocol");
    const speaksTidings = offered?.split(",").some((name) => name.trim() === SUBPROTOCOL) ?? false;
    const result = await this.#options.authenticator.authenticate(request);
    if (!result.ok) {
      const { refusal } = result;
      if (speaksTidings) {
        const session = new RefusedSession(refusal, (by) => {
          release(true);
          this.#options.onRefusedClosed(by);
        });
        if (!this.#open(request, server, speaksTidings, session)) return this.#fail(address, release);
      } else release(false);
      const name = refusal.code === "unavailable" ? "token_undecided" : "token_refused";
      this.#report(name, address, refusal.reason);
      return speaksTidings ? undefined : unauthorized(refusal);
    }
    if (this.#options.isDraining()) {
      release(false);
      return this.#refuse("draining", address, "");
    }
    if (!this.#options.hasRoom(result.identity.userId)) {
      release(false);
      return this.#refuse("user_full", address, "");
    }
    const { history } = this.#options;
    const since = history === null && !speaksTidings ? null : sinceOf(request.url);
    // A Tidings client is told in its welcome, since a browser cannot read the status.
    if (since !== null && !speaksTidings && parseSince(since) === null) {
      release(false);
      return this.#refuse("bad_since", address, "");
    }
    const feed = history === null ? null : await history.admit(result.identity.userId);
    const identity = {
      ...result.identity,
      address,
      speaksTidings,
      connectionId: this.#options.newConnectionId(),
      feed,
      since,
    };
    const session = this.#options.openSession(identity, release);
    if (!this.#open(request, server, speaksTidings, session)) {
      if (feed !== null) history?.release(feed);
      return this.#fail(address, release);
    }
    this.#options.count("accepted");
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

  #fail(address: string, release: Release): Response {
    release(false);
    return this.#refuse("failed", address, "");
  }

  #refuse(result: keyof typeof problems, address: string, detail: string): Response {
    this.#report(result, address, detail);
    const problem = problems[result];
    const headers: Record<string, string> = {};
    if (problem.status === 429 || problem.status === 503) headers["retry-after"] = RETRY_AFTER_SECONDS;
    if (problem.status === 426) {
      headers["upgrade"] = "websocket";
      headers["connection"] = "Upgrade";
      headers["sec-websocket-version"] = "13";
    }
    return problemResponse(problem, headers);
  }

  #report(result: HandshakeResult, address: string, detail: string): void {
    this.#options.count(result);
    this.#options.onRefused(result, address, detail);
  }
}

function sinceOf(url: string): string | null {
  return url.includes("since=") ? (URL.parse(url)?.searchParams.get("since") ?? null) : null;
}

function unauthorized({ code, reason: detail }: Refusal): Response {
  if (code === "unavailable") {
    return problemResponse(
      { status: 503, code: "token_undecided", title: "Token not checked", detail },
      { "retry-after": RETRY_AFTER_SECONDS },
    );
  }
  return problemResponse(
    { status: 401, code: "token_refused", title: "Token refused", detail },
    { "www-authenticate": 'Bearer realm="tidings", error="invalid_token"' },
  );
}
