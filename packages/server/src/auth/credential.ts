import { SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX } from "@tidings/protocol";
import type { AuthSettings } from "./auth-settings.ts";

/**
 * What a request brings along to say who it is: nothing, something to judge, or something that cannot be
 * read.
 */
export type Credential =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "user_id"; readonly userId: string }
  | { readonly kind: "broken"; readonly reason: string }
  | { readonly kind: "missing"; readonly reason: string };

/** Which of the optional places of a credential are open. */
export type CredentialPlaces = Pick<AuthSettings, "token_cookie" | "query_token" | "insecure_user_id">;

type Found = Exclude<Credential, { kind: "missing" }> | null;

/**
 * The first credential that the request carries, in the order of the contract: subprotocol, `Authorization:
 * Bearer`, cookie, `?token`, `?user_id`. One that is present and broken ends the search: falling back to a
 * weaker place would let somebody else's page or a stale cookie decide who the user is.
 */
export function readCredential(request: Request, places: CredentialPlaces): Credential {
  return (
    fromSubprotocol(request.headers) ??
    fromAuthorization(request.headers) ??
    fromCookie(request.headers, places.token_cookie) ??
    fromQuery(new URLSearchParams(queryOf(request.url)), places)
  );
}

function fromSubprotocol(headers: Headers): Found {
  const list = headers.get("sec-websocket-protocol");
  if (list === null) return null;
  const offered = list.split(",").map((name) => name.trim());
  const tokens = offered.filter((name) => name.startsWith(TOKEN_SUBPROTOCOL_PREFIX));
  const [first] = tokens;
  if (first === undefined) return null;
  if (tokens.length > 1)
    return broken(`the request offers more than one ${TOKEN_SUBPROTOCOL_PREFIX}… subprotocol`);
  if (!offered.includes(SUBPROTOCOL)) {
    return broken(`the request offers a ${TOKEN_SUBPROTOCOL_PREFIX}… subprotocol without ${SUBPROTOCOL}`);
  }
  return token(first.slice(TOKEN_SUBPROTOCOL_PREFIX.length), `the ${TOKEN_SUBPROTOCOL_PREFIX}… subprotocol`);
}

/**
 * A scheme other than Bearer is not a credential of ours: a proxy in front may ask for Basic on its own
 * behalf.
 */
function fromAuthorization(headers: Headers): Found {
  const value = headers.get("authorization")?.trim() ?? "";
  if (!/^bearer(?![^ \t])/i.test(value)) return null;
  return token(value.slice("bearer".length).trim(), "the Authorization header");
}

/**
 * Two values under one name are refused: a neighbouring subdomain can plant the second, and the order is not
 * ours.
 */
function fromCookie(headers: Headers, name: string | undefined): Found {
  if (name === undefined) return null;
  const values = new Set<string>();
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const equals = pair.indexOf("=");
    if (equals !== -1 && pair.slice(0, equals).trim() === name)
      values.add(unquoted(pair.slice(equals + 1).trim()));
  }
  const [value] = values;
  if (value === undefined) return null;
  if (values.size > 1)
    return broken("the request carries two cookies of the token's name with different values");
  return token(value, "the token's cookie");
}

function fromQuery(query: URLSearchParams, places: CredentialPlaces): Credential {
  return (
    (places.query_token ? fromQueryToken(query) : null) ??
    (places.insecure_user_id ? fromQueryUserId(query) : null) ?? {
      kind: "missing",
      reason: missingReason(query, places),
    }
  );
}

function fromQueryToken(query: URLSearchParams): Found {
  const [value, ...more] = query.getAll("token");
  if (value === undefined) return null;
  if (more.length > 0) return broken("the address has more than one token parameter");
  return token(value, "the token parameter");
}

function fromQueryUserId(query: URLSearchParams): Found {
  const [userId, ...more] = query.getAll("user_id");
  if (userId === undefined) return null;
  if (more.length > 0) return broken("the address has more than one user_id parameter");
  return { kind: "user_id", userId };
}

function token(text: string, place: string): Found {
  return text === "" ? broken(`${place} holds no token`) : { kind: "token", token: text };
}

function broken(reason: string): Found {
  return { kind: "broken", reason };
}

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function missingReason(query: URLSearchParams, places: CredentialPlaces): string {
  if (query.has("token") && !places.query_token) {
    return "the request carries no token: a token in the address is read only with query_token on";
  }
  if (query.has("user_id") && !places.insecure_user_id) {
    return "the request carries no token: a user_id in the address is believed only with insecure_user_id on";
  }
  return "the request carries no token";
}

/** Cut out by hand because `new URL` throws on addresses that a server can be sent, such as `//:0`. */
function queryOf(url: string): string {
  const begin = url.indexOf("?");
  if (begin === -1) return "";
  const end = url.indexOf("#", begin);
  return url.slice(begin + 1, end === -1 ? undefined : end);
}
