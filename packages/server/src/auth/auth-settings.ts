import type { Settings } from "../config/schema.ts";

/** The settings that decide who is let in. */
export type AuthSettings = Pick<
  Settings,
  | "jwt_secret"
  | "jwt_public_key"
  | "jwks_url"
  | "jwt_audience"
  | "jwt_issuer"
  | "token_cookie"
  | "query_token"
  | "insecure_user_id"
>;

/**
 * RFC 7518, 3.2: a key of the size of the hash or larger. A shorter secret can be found by trying, offline.
 */
const SECRET_BYTES_WANTED = 32;

/** What a cookie's name may consist of (RFC 6265, 4.1.1). */
const COOKIE_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * The first reason why nobody could be let in safely with these settings, as one sentence that names the
 * setting; null where they make sense.
 */
export function authSettingsFault(settings: AuthSettings): string | null {
  const keys = keySettings(settings);
  if (keys.length > 1) {
    return `only one of ${keys.join(" and ")} may be set: the key fixes the algorithms of tokens`;
  }
  if (keys.length === 0) return keylessFault(settings);
  if (settings.jwt_secret === "") return "jwt_secret is empty";
  if (settings.jwt_secret?.includes("-----BEGIN ")) {
    return "jwt_secret holds a key in PEM, which is no shared secret: a public key belongs in jwt_public_key";
  }
  return cookieFault(settings.token_cookie);
}

function keylessFault(settings: AuthSettings): string | null {
  if (!settings.insecure_user_id) {
    return "nobody could connect: set TIDINGS_JWT_SECRET, TIDINGS_JWT_PUBLIC_KEY or TIDINGS_JWKS_URL";
  }
  const idle = (["jwt_audience", "jwt_issuer", "token_cookie"] as const).find(
    (name) => settings[name] !== undefined,
  );
  const useless = idle ?? (settings.query_token ? "query_token" : undefined);
  if (useless === undefined) return null;
  return `${useless} has no effect without a key: set one of jwt_secret, jwt_public_key and jwks_url`;
}

function cookieFault(name: string | undefined): string | null {
  if (name === undefined || COOKIE_NAME.test(name)) return null;
  return "token_cookie is not the name of a cookie: letters, digits and !#$%&'*+-.^_`|~ only";
}

/**
 * What an operator should know about these settings before users do: one sentence each, none with a secret.
 */
export function authWarnings(settings: AuthSettings): string[] {
  const warnings: string[] = [];
  if (settings.insecure_user_id) {
    warnings.push("insecure_user_id is on: anyone who reaches the relay can be any user");
  }
  const secretBytes = Buffer.byteLength(settings.jwt_secret ?? "");
  if (settings.jwt_secret !== undefined && secretBytes < SECRET_BYTES_WANTED) {
    warnings.push(
      `jwt_secret has ${secretBytes} bytes; under ${SECRET_BYTES_WANTED} it can be guessed from one token`,
    );
  }
  if (settings.query_token) {
    warnings.push("query_token is on: tokens in addresses end up in the access logs of proxies");
  }
  if (settings.jwks_url !== undefined) warnings.push(...keySetWarnings(settings.jwks_url, settings));
  return warnings;
}

function keySetWarnings(jwksUrl: string, settings: AuthSettings): string[] {
  const warnings: string[] = [];
  const url = URL.parse(jwksUrl);
  if (url?.protocol === "http:" && !isLoopback(url.hostname)) {
    warnings.push("jwks_url is not https: whoever sits between the relay and it can let anyone in");
  }
  if (settings.jwt_audience === undefined) {
    warnings.push(
      "jwt_audience is not set: a token that the same issuer made for another service is accepted",
    );
  }
  return warnings;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

function keySettings(settings: AuthSettings): string[] {
  return (["jwt_secret", "jwt_public_key", "jwks_url"] as const).filter(
    (name) => settings[name] !== undefined,
  );
}
