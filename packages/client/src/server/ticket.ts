import { userIdFault } from "@tidings/protocol";

/** What a ticket is made of, but for whom it is. */
export interface TicketTerms {
  /**
   * The relay's `TIDINGS_JWT_SECRET`. What an unset variable of the environment gives is taken here and refused when the
   * first ticket is made, since frameworks load routes while they build, without secrets.
   */
  readonly secret: string | undefined;
  /** For how long the ticket may be used to connect, in seconds: 60 unless given, at most 3,600. */
  readonly lifetime?: number;
  /**
   * For how long a connection lasts before it needs another ticket, in seconds: 900 unless given. So long a user who was
   * signed out may go on. The SDK asks for the next ticket by itself, without a break.
   */
  readonly session?: number;
  /** Whether the relay accepts it once only, which is so unless `false` is given. */
  readonly singleUse?: boolean;
  /** The relay's `TIDINGS_JWT_AUDIENCE`, where it has one. */
  readonly audience?: string;
  /** The relay's `TIDINGS_JWT_ISSUER`, where it has one. */
  readonly issuer?: string;
  /** The time in milliseconds since 1970, `Date.now` unless given. */
  readonly now?: () => number;
}

/** A ticket to be made. */
export interface TicketRequest extends TicketTerms {
  /** The user's id, as workers write it into `target_user_id`. */
  readonly user: string;
}

/** The longest lifetime that a relay takes, in seconds. */
const MOST_LIFETIME = 3_600;

/**
 * Makes a ticket: a JWT (HS256) with which a user connects to the relay, once and soon.
 * @throws {TypeError} (as a rejection) where the secret is missing or the user's id cannot be one.
 */
export async function createTicket({ user, ...terms }: TicketRequest): Promise<string> {
  const { lifetime, session } = checked(terms);
  const { secret, singleUse = true, audience: aud, issuer: iss, now = Date.now } = terms;
  if (!secret) throw new TypeError("the secret is missing: give the relay's TIDINGS_JWT_SECRET");
  const fault = userIdFault(user);
  if (fault !== null) throw new TypeError(`the user's id ${fault}`);
  const iat = Math.floor(now() / 1_000);
  const claims = {
    sub: user,
    iat,
    exp: iat + lifetime,
    jti: crypto.randomUUID(),
    ...(singleUse && { single_use: true, session_exp: iat + session }),
    ...(aud !== undefined && { aud }),
    ...(iss !== undefined && { iss }),
  };
  const signed = `${encoded('{"alg":"HS256","typ":"JWT"}')}.${encoded(JSON.stringify(claims))}`;
  return `${signed}.${base64Url(await signature(secret, signed))}`;
}

/**
 * The terms' durations with their usual values.
 * @throws {TypeError} where they contradict each other.
 */
export function checked({ lifetime = 60, session = Math.max(900, lifetime) }: TicketTerms): {
  readonly lifetime: number;
  readonly session: number;
} {
  if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > MOST_LIFETIME) {
    throw new TypeError(`lifetime must be a whole number of seconds from 1 to ${MOST_LIFETIME}`);
  }
  if (!Number.isInteger(session) || session < lifetime) {
    throw new TypeError("session must be a whole number of seconds, at least the lifetime");
  }
  return { lifetime, session };
}

async function signature(secret: string, signed: string): Promise<Uint8Array> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", bytes.encode(secret), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes.encode(signed)));
}

function encoded(text: string): string {
  return base64Url(new TextEncoder().encode(text));
}

function base64Url(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
