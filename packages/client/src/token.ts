/**
 * Where the token comes from: a text that always holds, or, better, a function that is asked afresh for every attempt.
 * Nothing (null, undefined) means that the relay knows the user otherwise, by a cookie.
 */
export type TokenSource =
  | string
  | null
  | undefined
  | (() => string | null | undefined | Promise<string | null | undefined>);

/** Asks the source for a token. Rejects where the source throws or rejects. */
export async function tokenOf(source: TokenSource): Promise<string | null | undefined> {
  return typeof source === "function" ? source() : source;
}

/** The user that a token names, or null where it is not a JWT. Nothing is proved by it. */
export function subjectOf(token: string | null | undefined): string | null {
  try {
    const claims = token?.split(".")[1]?.replace(/-/g, "+").replace(/_/g, "/") ?? "";
    const bytes = Uint8Array.from(atob(claims), (char) => char.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: unknown };
    return typeof sub === "string" ? sub : null;
  } catch {
    return null;
  }
}
