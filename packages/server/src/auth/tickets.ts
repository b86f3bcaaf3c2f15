import { nameFault } from "@tidings/protocol";
import type { JWTPayload } from "jose";
import { BrokerUnavailable } from "../broker/broker.ts";
import type { Refusal } from "./authenticator.ts";

/**
 * Claims a key: true for exactly one of those who claim it within `ttlMs` milliseconds, on all relays together. Throws
 * `BrokerUnavailable` where that cannot be known.
 */
export type ClaimOnce = (key: string, ttlMs: number) => Promise<boolean>;

/** Most bytes of a ticket's `jti`. */
const MAX_JTI_BYTES = 128;

/** The longest time for which a ticket may hold, in milliseconds: it is remembered for as long once it was used. */
const MAX_TICKET_LIFE_MS = 3_600_000;

/** Whether a token is a ticket: it says of itself that it lets somebody in once. */
export function isTicket({ single_use: claim }: JWTPayload): boolean {
  return claim !== undefined && claim !== false;
}

/**
 * Until when the connection of a ticket may last, in seconds since 1970, or what is wrong with it. A ticket is short, and
 * says by `session_exp` for how long the session behind it holds.
 */
export function sessionEnd({ exp, session_exp: end = exp }: JWTPayload): number | Refusal {
  if (typeof end === "number" && Number.isFinite(end) && end >= Number(exp)) return end;
  return { code: "refused", reason: "the ticket's session_exp is not a time at or after its exp" };
}

/** Lets each ticket in once. */
export class Tickets {
  readonly #claimOnce: ClaimOnce;
  readonly #leewayMs: number;

  /** `leewayMs`: for how long after its `exp` a token is accepted, which is how far clocks may be apart. */
  constructor(claimOnce: ClaimOnce, leewayMs: number) {
    this.#claimOnce = claimOnce;
    this.#leewayMs = leewayMs;
  }

  /**
   * Uses up a ticket that holds in every other respect; null where it had not been used. Where the broker does not answer
   * nobody is let in, since the ticket may have been used elsewhere.
   */
  async use({ single_use: claim, jti, exp }: JWTPayload, now: number): Promise<Refusal | null> {
    const left = Math.ceil(Number(exp) * 1_000 - now);
    const fault = formFault(claim, jti, left);
    if (fault !== null) return { code: "refused", reason: fault };
    try {
      // Another relay's clock may accept it for once more the leeway.
      const isFirst = await this.#claimOnce(`tidings:ticket:${jti}`, left + 2 * this.#leewayMs);
      return isFirst ? null : { code: "used", reason: "the ticket was used before; each lets in once" };
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      return {
        code: "unavailable",
        reason: "the relay cannot tell whether the ticket was used before: Redis did not answer",
      };
    }
  }
}

function formFault(claim: unknown, jti: unknown, left: number): string | null {
  if (claim !== true) return "the token's single_use is neither true nor false";
  if (typeof jti !== "string") return "the ticket has no jti, which tells it from others";
  const fault = nameFault(jti, MAX_JTI_BYTES);
  if (fault !== null) return `the ticket's jti ${fault}`;
  return left > MAX_TICKET_LIFE_MS ? "the ticket holds for more than an hour" : null;
}
