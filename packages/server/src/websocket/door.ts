import { resumeFaults } from "@tidings/protocol";
import type { Server } from "bun";
import type { Refusal } from "../auth/authenticator.ts";
import { isHiddenCrossSite } from "../http/cross-origin.ts";
import type { ClientAddressReader } from "../http/client-address.ts";
import type { OriginPolicy } from "../http/origin.ts";
import { type Problem, problemResponse } from "../http/problem.ts";
import type { Session } from "./session.ts";
import type { Admission, AdmissionFault, Release } from "./admission.ts";

/** How an attempt to connect ended, for the metrics. */
export type HandshakeResult =
  | "accepted"
  | "not_websocket"
  | "origin_refused"
  | "token_refused"
  | "token_undecided"
  | "ticket_used"
  | "token_revoked"
  | "draining"
  | "user_full"
  | "bad_since"
  | AdmissionFault
  | "failed";

/** What the door works with. */
export interface DoorOptions {
  readonly origins: OriginPolicy;
  readonly addresses: ClientAddressReader;
  readonly admission: Admission;
  /** Whether the relay's policy takes one more client of a user. */
  readonly hasRoom: (userId: string) => boolean;
  readonly isDraining: () => boolean;
  readonly count: (result: HandshakeResult) => void;
  /** A line for the log about somebody who was not let in. */
  readonly onRefused: (result: HandshakeResult, address: string, detail: string) => void;
}

/** Where a request comes from. */
export interface Caller {
  /** The address of the client behind any proxies. */
  readonly address: string;
  /** The other end of the request's TCP connection: its address as Bun writes it, and its port. */
  readonly peerAddress: string;
  readonly peerPort: number;
}

/** A place at the relay, taken for somebody of whom only that is known. */
export interface Place extends Caller {
  readonly release: Release;
}

/** Seconds after which somebody who met a full or draining relay may try again. */
const RETRY_AFTER_SECONDS = "5";

const problems: Readonly<
  Record<
    Exclude<
      HandshakeResult,
      "accepted" | "token_refused" | "token_undecided" | "ticket_used" | "token_revoked"
    >,
    Problem
  >
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
    detail: "The handshake is incomplete, or the client left before it was answered.",
  },
};

/**
 * Decides who may connect, by WebSocket or as a stream. Cheap checks come first, and nothing is believed before the token
 * is. Whoever is turned away is counted, logged and answered with the problem.
 */
export class Door {
  readonly #options: DoorOptions;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Where a request comes from; asked before anything is waited for. */
  callerOf(request: Request, server: Server<Session>): Caller {
    const peer = server.requestIP(request);
    const peerAddress = peer?.address ?? "";
    const address = this.#options.addresses.read(peerAddress, request.headers.get("x-forwarded-for"));
    // Without a proxy they are one text, which memory then holds once.
    return {
      address,
      peerAddress: peerAddress === address ? address : peerAddress,
      peerPort: peer?.port ?? 0,
    };
  }

  /** Whether the page that sends the request, if one does, may connect. */
  allowsOrigin({ headers }: Request): boolean {
    const origin = headers.get("origin");
    if (origin === null) return !isHiddenCrossSite(headers);
    return this.#options.origins.allows(origin, headers.get("host"), headers.get("x-forwarded-proto"));
  }

  /** Takes a place for a request, before anything is known of who sends it. */
  enter(request: Request, caller: Caller): Place | Response {
    const { address } = caller;
    const { addresses, admission, isDraining } = this.#options;
    if (isDraining()) return this.refuse("draining", address);
    if (!this.allowsOrigin(request)) {
      return this.refuse("origin_refused", address, request.headers.get("origin") ?? "");
    }
    const release = admission.admit(addresses.key(address));
    return typeof release === "function" ? { ...caller, release } : this.refuse(release, address);
  }

  /** Turns a user away, who then has no place any more; null where the user may come in. */
  refuseUser(userId: string, { address, release }: Place): Response | null {
    const { isDraining, hasRoom } = this.#options;
    if (!isDraining() && hasRoom(userId)) return null;
    release(false);
    return this.refuse(isDraining() ? "draining" : "user_full", address);
  }

  /** The answer to a token that does not hold, or cannot be judged. The place is the caller's to give back. */
  refuseToken({ code, reason: detail }: Refusal, address: string): Response {
    if (code === "unavailable") {
      this.#report("token_undecided", address, detail);
      return problemResponse(
        { status: 503, code: "token_undecided", title: "Token not checked", detail },
        { "retry-after": RETRY_AFTER_SECONDS },
      );
    }
    const headers = { "www-authenticate": 'Bearer realm="tidings", error="invalid_token"' };
    if (code === "used") {
      this.#report("ticket_used", address, detail);
      return problemResponse({ status: 401, code: "ticket_used", title: "Ticket used", detail }, headers);
    }
    if (code === "revoked") {
      this.#report("token_revoked", address, detail);
      return problemResponse({ status: 401, code: "token_revoked", title: "Token revoked", detail }, headers);
    }
    this.#report("token_refused", address, detail);
    return problemResponse({ status: 401, code: "token_refused", title: "Token refused", detail }, headers);
  }

  /** The answer to somebody who is not let in. */
  refuse(result: keyof typeof problems, address: string, detail = ""): Response {
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

  /** Counts somebody who was let in. */
  accepted(): void {
    this.#options.count("accepted");
  }

  #report(result: HandshakeResult, address: string, detail: string): void {
    this.#options.count(result);
    this.#options.onRefused(result, address, detail);
  }
}
