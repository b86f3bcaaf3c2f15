import { nameFault, userIdFault } from "@tidings/protocol";
import { TOKEN_LEEWAY_MS } from "./token-leeway.ts";

/**
 * Which tokens no longer hold. One of four forms, named as in the body of `POST /v1/revocations`:
 * - `jti`: the token with this id;
 * - `user_id`: every token of a user, also those that are made later;
 * - `user_id` and `issued_before`: those of a user whose `iat` is at or before a time, or that have none;
 * - `issued_before`: the same of every user.
 */
export interface Revocation {
  readonly user_id?: string;
  readonly jti?: string;
  /** In seconds since 1970, as `iat`. */
  readonly issued_before?: number;
}

/** What of an identity a revocation looks at. */
export interface Revocable {
  readonly userId: string;
  /** `jti` of the token. */
  readonly tokenId?: string | undefined;
  /** `iat` of the token, in seconds since 1970. */
  readonly issuedAt?: number | undefined;
}

/** Most bytes of a `jti` that can be revoked. A longer one is not remembered; its token goes by its user. */
export const MAX_REVOCABLE_JTI_BYTES = 256;

/** Most revocations that may be in force. */
export const MAX_REVOCATIONS = 50_000;

/** The longest time for which a revocation may hold, in milliseconds. */
export const MAX_REVOCATION_MS: number = 366 * 86_400_000;

/**
 * For how long a revocation holds beyond the end it was given, in milliseconds: a token of the same end is accepted for
 * the leeway, by a clock that may be as far behind.
 */
export const REVOCATION_GRACE_MS: number = 2 * TOKEN_LEEWAY_MS;

const FIELDS: ReadonlySet<string> = new Set(["user_id", "jti", "issued_before"]);

/**
 * Reads a revocation; a text says what is wrong with it. `now` is in milliseconds since 1970. Nothing that is missing or
 * misspelt ever widens it: no field at all is a fault, not everyone.
 */
export function readRevocation(given: Readonly<Record<string, unknown>>, now: number): Revocation | string {
  const unknown = Object.keys(given).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) return "there is a field beside user_id, jti, issued_before and expires_at";
  const { user_id: userId, jti, issued_before: issuedBefore } = given;
  if (userId === undefined && jti === undefined && issuedBefore === undefined) {
    return "give user_id, jti or issued_before: nothing means nobody";
  }
  const fault = userFault(userId) ?? jtiFault(jti, given) ?? issuedFault(issuedBefore, now);
  if (fault !== null) return fault;
  return {
    ...(typeof userId === "string" ? { user_id: userId } : {}),
    ...(typeof jti === "string" ? { jti } : {}),
    ...(typeof issuedBefore === "number" ? { issued_before: issuedBefore } : {}),
  };
}

function userFault(userId: unknown): string | null {
  if (userId === undefined) return null;
  if (typeof userId !== "string") return "user_id is not a string";
  if (userId === "*") return 'user_id must not be "*": issued_before without user_id means every user';
  const fault = userIdFault(userId);
  return fault === null ? null : `user_id ${fault}`;
}

function jtiFault(jti: unknown, given: Readonly<Record<string, unknown>>): string | null {
  if (jti === undefined) return null;
  if (typeof jti !== "string") return "jti is not a string";
  const fault = nameFault(jti, MAX_REVOCABLE_JTI_BYTES);
  if (fault !== null) return `jti ${fault}`;
  return Object.keys(given).length === 1
    ? null
    : "jti names one token: give it without user_id and issued_before";
}

/** A time far ahead is taken for a mistake, such as milliseconds: it would refuse tokens that are made from here on. */
function issuedFault(issuedBefore: unknown, now: number): string | null {
  if (issuedBefore === undefined) return null;
  if (typeof issuedBefore !== "number" || !Number.isFinite(issuedBefore) || issuedBefore < 0) {
    return "issued_before is not a time in seconds since 1970";
  }
  return issuedBefore * 1_000 > now + TOKEN_LEEWAY_MS ? "issued_before lies in the future" : null;
}

/** A revocation as text, the same for the same revocation: what relays keep in Redis and tell each other. */
export function revocationText({ user_id, jti, issued_before }: Revocation): string {
  return JSON.stringify({ user_id, jti, issued_before });
}

/** The revocation of such a text; null where it is none that this relay knows. */
export function parseRevocation(text: string): Revocation | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    const read = readRevocation({ ...value }, Number.POSITIVE_INFINITY);
    return typeof read === "string" || revocationText(read) !== text ? null : read;
  } catch {
    return null;
  }
}
