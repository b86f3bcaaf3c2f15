import { isIP } from "node:net";
import type { z } from "zod";
import { OriginPolicy } from "../http/origin.ts";
import { Refused, shown, unit } from "./units.ts";

/** An address or a host name to listen on, without port. */
export function address(): z.ZodType<string> {
  const rule = "an IP address or a host name, such as `0.0.0.0`, `::` or `localhost`";
  return unit({ rule, kind: "plain" }, (value) => {
    const host = typeof value === "string" ? value.trim() : "";
    const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
    if (isIP(bare) !== 0) return bare;
    const named = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(host) && !/^[0-9.]+$/.test(host);
    return named ? host : new Refused(`${shown(value)} is not an address to listen on; write ${rule}`);
  });
}

/** Redis addresses. They may hold passwords, so no message repeats them, and `tidings config` masks them. */
export function redisUrlList(): z.ZodType<readonly string[]> {
  const rule = "addresses separated by commas: `redis://sentinel-1:26379,redis://sentinel-2:26379`";
  const one = redisUrl();
  return unit({ rule, kind: "urls" }, (value) => {
    const found = parts(value);
    if (found === null) return new Refused(`this is not a list of addresses; write ${rule}`);
    const isWrong = found.some((part) => !one.safeParse(part).success || databaseIsNamed(part));
    return isWrong ? new Refused(`one of these is not the address of a Sentinel; write ${rule}`) : found;
  });
}

function databaseIsNamed(url: string): boolean {
  return /\d/.test(new URL(url).pathname);
}

/** A Redis address. It may hold a password, so no message repeats it. */
export function redisUrl(): z.ZodType<string> {
  const rule = "`redis://host:port` or `rediss://user:password@host:port`";
  return unit({ rule, kind: "url" }, (value) => {
    const url = typeof value === "string" && URL.canParse(value.trim()) ? new URL(value.trim()) : null;
    if (url === null) return new Refused(`this is not an address of Redis; write ${rule}`);
    if (url.protocol !== "redis:" && url.protocol !== "rediss:") {
      return new Refused(`the scheme ${shown(url.protocol)} is not known for Redis; write ${rule}`);
    }
    if (url.hostname === "") return new Refused(`the host is missing; write ${rule}`);
    if (!/^\/?\d*$/.test(url.pathname) || url.search !== "" || url.hash !== "") {
      return new Refused(`after the port only a database number may follow; write ${rule}`);
    }
    // Anything may stand between % and @ in a hand-written password; the Redis client decodes and would
    // throw.
    return decodes(url.username) && decodes(url.password)
      ? String(value).trim()
      : new Refused("the user or password holds a bare %; write it as %25");
  });
}

function decodes(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

/** An `http:` or `https:` address. It may hold a key, so no message repeats it. */
export function webUrl(): z.ZodType<string> {
  const rule = "an address that begins with `https://` or `http://`";
  return unit({ rule, kind: "url" }, (value) => {
    const url = typeof value === "string" && URL.canParse(value.trim()) ? new URL(value.trim()) : null;
    const known = url !== null && (url.protocol === "https:" || url.protocol === "http:");
    return known ? String(value).trim() : new Refused(`this is not a web address; write ${rule}`);
  });
}

/**
 * The parts of a list: text separated by commas, or a list of texts in the file. Empty parts do not count.
 */
function parts(value: unknown): readonly string[] | null {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((part) => typeof part === "string")) return null;
  return list.flatMap((part) => part.split(",")).flatMap((part) => part.trim() || []);
}

function listOf(rule: string, what: string, valid: (part: string) => boolean): z.ZodType<readonly string[]> {
  return unit({ rule, kind: "list" }, (value) => {
    const found = parts(value);
    if (found === null) return new Refused(`${shown(value)} is not a list; write ${rule}`);
    const wrong = found.find((part) => !valid(part));
    return wrong === undefined ? found : new Refused(`${shown(wrong)} is not ${what}; write ${rule}`);
  });
}

/** Origins, where `*` stands for any part. */
export function originList(): z.ZodType<readonly string[]> {
  const rule = "origins without a path, separated by commas: `https://app.example.com,https://*.example.com`";
  return listOf(rule, "an origin", (part) => {
    try {
      return new OriginPolicy([part]) instanceof OriginPolicy;
    } catch {
      return false;
    }
  });
}

/** Networks or single addresses, IPv4 and IPv6. */
export function cidrList(): z.ZodType<readonly string[]> {
  const rule = "addresses or networks, separated by commas: `10.0.0.0/8,::1`";
  return listOf(rule, "an address or a network", (part) => {
    const [ip = "", prefix, ...rest] = part.split("/");
    const version = isIP(ip);
    if (version === 0 || rest.length > 0) return false;
    return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
  });
}
