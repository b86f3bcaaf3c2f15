import { MAX_REVOCATION_MS, MAX_REVOCATIONS, readRevocation, type Revocation } from "../auth/revocation.ts";
import type { DatedRevocation, Revocations } from "../auth/revocations.ts";
import { BrokerUnavailable } from "../broker/broker.ts";
import type { Clock } from "../clock.ts";
import { FleetIncomplete } from "../fleet.ts";
import { jsonResponse, type Problem, problemResponse } from "./problem.ts";

/** What the endpoint works with. */
export interface RevocationsEndpointOptions {
  readonly revocations: Revocations;
  readonly clock: Clock;
  /** How long a revocation holds that does not say, in milliseconds. */
  readonly defaultMs: number;
}

/** Most revocations that one answer lists. */
const MAX_LISTED = 1_000;

/** Longest body that is read, in bytes: room for the longest ids with every character escaped. */
const MAX_BODY_BYTES = 8_192;

/** `/v1/revocations`: takes tokens back on all relays, lists what was taken back, and lifts it. */
export class RevocationsEndpoint {
  readonly #options: RevocationsEndpointOptions;

  constructor(options: RevocationsEndpointOptions) {
    this.#options = options;
  }

  /** Answers one request whose key and method have been checked. */
  async handle(request: Request): Promise<Response> {
    if (request.method === "GET") return this.#list();
    return request.method === "POST" ? this.#revoke(request) : this.#lift(request.url);
  }

  #list(): Response {
    const all = this.#options.revocations.list();
    return jsonResponse({ total: all.length, revocations: all.slice(-MAX_LISTED).map(shown) });
  }

  async #revoke(request: Request): Promise<Response> {
    const { revocations, clock } = this.#options;
    const body = await bodyOf(request);
    if (body === null) return badRevocation("the body is not a JSON object");
    const { expires_at: asked, ...named } = body;
    const now = clock.wall();
    const revocation = readRevocation(named, now);
    if (typeof revocation === "string") return badRevocation(revocation);
    const expiresAt = this.#expiry(asked, now);
    if (typeof expiresAt === "string") return badRevocation(expiresAt);
    if (revocations.isFullFor(revocation)) return problemResponse(full);
    return this.#set(revocation, expiresAt, 201);
  }

  async #lift(url: string): Promise<Response> {
    const { revocations, clock } = this.#options;
    const named = namedBy(URL.parse(url)?.searchParams ?? new URLSearchParams());
    const revocation = named === null ? "a parameter comes twice" : readRevocation(named, clock.wall());
    if (typeof revocation === "string") return badRevocation(revocation);
    if (revocations.expiryOf(revocation) === null) return problemResponse(notRevoked);
    return this.#set(revocation, null, 200);
  }

  async #set(revocation: Revocation, expiresAt: number | null, status: number): Promise<Response> {
    const { revocations } = this.#options;
    if (revocations.trouble !== null) return unavailable(`${sentence(revocations.trouble)} Try again.`);
    try {
      const { connections: closed, relays } = await revocations.set(revocation, expiresAt);
      if (expiresAt === null) return jsonResponse({ ...revocation, relays });
      return jsonResponse({ ...shown({ revocation, expiresAt }), closed, relays }, status);
    } catch (error) {
      if (error instanceof FleetIncomplete) {
        const done = expiresAt === null ? "lifted" : "kept";
        return problemResponse(
          {
            status: 503,
            code: error.code,
            title: "Not all relays answered",
            detail: `The revocation is ${done}, and ${error.message}: the others learn of it when they read Redis again.`,
          },
          RETRY,
        );
      }
      if (!(error instanceof BrokerUnavailable)) throw error;
      const outcome = error.isUndone ? "Nothing was changed." : "It may have been done or not.";
      return unavailable(`${sentence(error.message)} ${outcome} Try again.`);
    }
  }

  /** In milliseconds since 1970, or what is wrong with it. */
  #expiry(asked: unknown, now: number): number | string {
    if (asked === undefined) return now + this.#options.defaultMs;
    if (typeof asked !== "number" || !Number.isFinite(asked))
      return "expires_at is not a time in seconds since 1970";
    const expiresAt = asked * 1_000;
    if (expiresAt <= now) return "expires_at has passed";
    return expiresAt > now + MAX_REVOCATION_MS ? "expires_at is more than 366 days ahead" : expiresAt;
  }
}

const RETRY = { "retry-after": "1" } as const;

const notRevoked: Problem = {
  status: 404,
  code: "not_revoked",
  title: "Not revoked",
  detail: "There is no such revocation in force.",
};

const full: Problem = {
  status: 503,
  code: "revocations_full",
  title: "Too many revocations",
  detail: `There are ${MAX_REVOCATIONS} revocations in force. Revoke by issued_before instead, or wait until some end.`,
};

function badRevocation(fault: string): Response {
  return problemResponse({
    status: 400,
    code: "bad_revocation",
    title: "Not a revocation",
    detail: sentence(fault),
  });
}

function unavailable(detail: string): Response {
  return problemResponse(
    { status: 503, code: "broker_unavailable", title: "Redis unavailable", detail },
    RETRY,
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function shown({ revocation, expiresAt }: DatedRevocation): Revocation & { readonly expires_at: number } {
  return { ...revocation, expires_at: Math.floor(expiresAt / 1_000) };
}

async function bodyOf(request: Request): Promise<Readonly<Record<string, unknown>> | null> {
  const text = await request.text();
  if (text.length > MAX_BODY_BYTES) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** The revocation that an address names, with a number where one is due; null where a name comes twice. */
function namedBy(query: URLSearchParams): Readonly<Record<string, unknown>> | null {
  const names = [...query.keys()];
  if (new Set(names).size < names.length) return null;
  const named: Record<string, unknown> = Object.fromEntries(query);
  const { issued_before: time } = named;
  return time === undefined ? named : { ...named, issued_before: time === "" ? Number.NaN : Number(time) };
}
