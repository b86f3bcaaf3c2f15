import type { Server } from "bun";
import type { UpdateLog } from "../broker/update-log.ts";
import type { Fleet } from "../fleet.ts";
import type { Session } from "../websocket/session.ts";
import type { Upgrade } from "../websocket/upgrade.ts";
import type { StreamEndpoint } from "../sse/stream-endpoint.ts";
import { refuseMethod } from "./allowed-methods.ts";
import type { ApiKey } from "./api-key.ts";
import { healthResponse, readinessResponse } from "./health.ts";
import { notFound, problemResponse } from "./problem.ts";
import type { PublishEndpoint } from "./publish.ts";
import type { RelayReport } from "./relay-report.ts";
import type { RevocationsEndpoint } from "./revocations.ts";
import { closeConnections, countConnections, tellOffset } from "./users.ts";

/** What the routes lead to. */
export interface RouteTargets {
  readonly upgrade: Upgrade;
  readonly stream: StreamEndpoint;
  readonly publish: PublishEndpoint;
  readonly fleet: Fleet;
  readonly revocations: RevocationsEndpoint;
  /** The logs of updates; null without history. */
  readonly log: UpdateLog | null;
  readonly apiKey: ApiKey;
  /** What the relay says of itself. */
  readonly report: RelayReport;
  /** Largest body that is read, in bytes. */
  readonly maxBodyBytes: number;
}

/** The answer to a request; undefined where its connection became a WebSocket. */
type Answer = Response | undefined;

/** Answers a request, at once where it can. */
export type Route = (request: Request, server: Server<Session>) => Answer | Promise<Answer>;

/** A way to become a client. */
type Entrance = "/ws" | "/v1/stream";

/** The address of one, of which most requests are; the path of any other is found by parsing it. */
const ENTRANCE = /^https?:\/\/[\w.:[\]-]+(\/ws|\/v1\/stream)(?:\?|$)/;

/** The ways to become a client, and the one thing beside them that stays on the public port. */
export const OUTER_PATHS: readonly string[] = ["/ws", "/v1/stream", "/healthz"];

/** Everything that is no connection of a user. */
export const INNER_PATHS: readonly string[] = [
  "/healthz",
  "/readyz",
  "/metrics",
  "/v1/publish",
  "/v1/revocations",
  "/v1/users/:id",
  "/v1/users/:id/connections",
  "/v1/users/:id/offset",
];

/** Everything, for a relay with one port. */
export const ALL_PATHS: readonly string[] = [...new Set([...OUTER_PATHS, ...INNER_PATHS])];

const USERS = "/v1/users/";
const CONNECTIONS = "/connections";
const OFFSET = "/offset";

/** Which request goes where. */
export class Routes {
  readonly #targets: RouteTargets;

  constructor(targets: RouteTargets) {
    this.#targets = targets;
  }

  /** Everything, for a relay with one port. */
  readonly all: Route = (request, server) => {
    const path = pathOf(request);
    return isEntrance(path) ? this.#connect(request, server, path) : this.#answer(request, path);
  };

  /** What stays on the public port where there is an internal one: `/ws`, `/v1/stream` and `/healthz`. */
  readonly outer: Route = (request, server) => {
    const path = pathOf(request);
    if (isEntrance(path)) return this.#connect(request, server, path);
    return path === "/healthz" ? this.#answer(request, path) : problemResponse(notFound);
  };

  /** What the internal port has: everything that is no connection of a user. */
  readonly inner: Route = (request) => this.#answer(request, pathOf(request));

  #connect(request: Request, server: Server<Session>, path: Entrance): Answer | Promise<Answer> {
    const { upgrade, stream } = this.#targets;
    return path === "/ws" ? upgrade.handle(request, server) : stream.handle(request, server);
  }

  async #answer(request: Request, path: string): Promise<Response> {
    const { report } = this.#targets;
    switch (path) {
      case "/healthz":
        return refuseMethod(request, ["GET", "HEAD"]) ?? healthResponse();
      case "/readyz":
        return refuseMethod(request, ["GET", "HEAD"]) ?? readinessResponse(await report.health());
      case "/metrics": {
        const refusal = refuseMethod(request, ["GET", "HEAD"]);
        if (refusal !== null) return refusal;
        const { text, contentType } = await report.metrics();
        return new Response(text, { headers: { "content-type": contentType, "cache-control": "no-store" } });
      }
      case "/v1/publish":
        return this.#guard(request, ["POST"]) ?? this.#targets.publish.handle(request);
      case "/v1/revocations":
        return this.#guard(request, ["GET", "POST", "DELETE"]) ?? this.#targets.revocations.handle(request);
      default:
        return path.startsWith(USERS) ? this.#users(request, path) : problemResponse(notFound);
    }
  }

  async #users(request: Request, path: string): Promise<Response> {
    const { fleet, log } = this.#targets;
    const rest = path.slice(USERS.length);
    const part = [CONNECTIONS, OFFSET].find((end) => rest.endsWith(end)) ?? "";
    const encoded = rest.slice(0, rest.length - part.length);
    if (encoded === "" || encoded.includes("/")) return problemResponse(notFound);
    const refusal = this.#guard(request, part === CONNECTIONS ? ["DELETE"] : ["GET"]);
    if (refusal !== null) return refusal;
    const userId = decoded(encoded);
    if (userId === null) {
      return problemResponse({
        status: 400,
        code: "bad_user_id",
        title: "Not a user id",
        detail: "The user id in the path is not percent-encoded UTF-8.",
      });
    }
    if (part === OFFSET) return tellOffset(log, userId);
    return part === CONNECTIONS ? closeConnections(fleet, userId) : countConnections(fleet, userId);
  }

  /** The answer to a request that may not pass: by its method, its key, or the size it says it has. */
  #guard(request: Request, methods: readonly string[]): Response | null {
    const refusal = refuseMethod(request, methods) ?? this.#targets.apiKey.refuse(request);
    if (refusal !== null) return refusal;
    const length = Number(request.headers.get("content-length") ?? 0);
    if (length <= this.#targets.maxBodyBytes) return null;
    return problemResponse({
      status: 413,
      code: "body_too_large",
      title: "Body too large",
      detail: `A request may have at most ${this.#targets.maxBodyBytes} bytes.`,
    });
  }
}

function isEntrance(path: string): path is Entrance {
  return path === "/ws" || path === "/v1/stream";
}

function pathOf({ url }: Request): string {
  return ENTRANCE.exec(url)?.[1] ?? URL.parse(url)?.pathname ?? "";
}

function decoded(component: string): string | null {
  try {
    return decodeURIComponent(component);
  } catch {
    return null;
  }
}
