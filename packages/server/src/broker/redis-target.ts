import { isIP } from "node:net";

/** Where a Redis listens and as whom to log in there. Never log it: it holds the password. */
export interface RedisTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Name to prove the server's certificate against; absent without TLS and where the host is an address. */
  readonly serverName?: string;
  readonly username?: string;
  readonly password?: string;
  /** The database in which keys live; messages belong to none. */
  readonly database: number;
}

const DEFAULT_PORT = 6379;

/**
 * Reads `redis://` and `rediss://` addresses. The path is the number of a database, 0 where there is none.
 * @throws {TypeError} where the address cannot be read; the message never repeats it, since it may hold a
 * password.
 */
export function parseRedisUrl(url: string): RedisTarget {
  const parsed = URL.parse(url);
  if (parsed === null) throw new TypeError("the Redis URL is not a URL");
  if (parsed.protocol !== "redis:" && parsed.protocol !== "rediss:") {
    throw new TypeError("the Redis URL must begin with redis:// or rediss://");
  }
  if (parsed.hostname === "") throw new TypeError("the Redis URL names no host");
  const host = parsed.hostname.replace(/^\[(.*)\]$/, "$1");
  const tls = parsed.protocol === "rediss:";
  const username = decoded(parsed.username, "user name");
  const password = decoded(parsed.password, "password");
  return {
    host,
    port: parsed.port === "" ? DEFAULT_PORT : Number(parsed.port),
    tls,
    database: databaseOf(parsed.pathname),
    ...(tls && isIP(host) === 0 ? { serverName: host } : {}),
    ...(username === "" ? {} : { username }),
    // The client logs in only where there is a password; a user without one (`nopass`) accepts any.
    ...(password !== "" ? { password } : username !== "" ? { password: "nopass" } : {}),
  };
}

function databaseOf(path: string): number {
  const [, digits] = /^\/?(\d{0,6})$/.exec(path) ?? [];
  if (digits === undefined) throw new TypeError("the path of the Redis URL must be the number of a database");
  return Number(digits);
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(`the ${what} in the Redis URL is not percent-encoded as it should be`);
  }
}
