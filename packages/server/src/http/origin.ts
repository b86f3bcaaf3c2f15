/** The parts of an origin, or of a pattern for origins. */
interface OriginParts {
  readonly scheme: string;
  /** Lower case; an IPv6 address with its brackets. */
  readonly host: string;
  /** Empty where the scheme has no default port and none is named. */
  readonly port: string;
}

const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ["http", "80"],
  ["https", "443"],
]);

const SHAPE = /^([a-z*][a-z0-9+.-]*):\/\/(\[[0-9a-f:.]+\]|[a-z0-9._*-]+)(?::(\d{1,5}|\*))?$/i;

/**
 * Tells from which web pages a browser may connect. A browser sends the page's `Origin` with every handshake
 * and a page cannot forge it, so this is what keeps a hostile page from using the cookies of whoever visits
 * it.
 *
 * Allowed are
 * - a request without `Origin`: it does not come from a page in a browser, so no victim's cookies come with
 *   it, and whoever sends it could write any `Origin` as well;
 * - the relay's own origin: `Origin` names the host and port of `Host`. TLS often ends at a proxy, which has to
 *   pass the browser's `Host` on; where it also says `X-Forwarded-Proto: https`, the page must have come over
 *   https, since whoever is in the network's path can write the one that comes over http;
 * - what one of the patterns in `allowed_origins` matches.
 *
 * A pattern is an origin as a browser writes it, `https://app.example.com`, where `*` stands for
 * - a whole port, the default one too: `http://localhost:*`;
 * - one or more labels at the front of a host: `https://*.example.com` matches `a.example.com` and
 *   `a.b.example.com`, not `example.com`;
 * - any host: `https://*`;
 * - within a label, any characters but a dot, at most once: `https://preview-*.example.com`;
 * - any scheme: `*://localhost`.
 * Without a port it means the scheme's default port. `*` alone matches every origin, also the opaque one that
 * browsers write as `null` (sandboxed frames, files); `null` matches that one alone.
 */
export class OriginPolicy {
  readonly #patterns: readonly OriginParts[];
  readonly #allowsAll: boolean;
  readonly #allowsOpaque: boolean;

  /** @throws {TypeError} in one sentence, when a pattern cannot be one. */
  constructor(allowed: readonly string[]) {
    this.#allowsAll = allowed.includes("*");
    this.#allowsOpaque = allowed.includes("null");
    this.#patterns = allowed.filter((pattern) => pattern !== "*" && pattern !== "null").map(parsedPattern);
  }

  /** Takes the headers `Origin`, `Host` and `X-Forwarded-Proto` as they came, null where there is none. Never throws. */
  allows(origin: string | null, host: string | null, proto: string | null = null): boolean {
    if (origin === null || this.#allowsAll) return true;
    if (origin === "null") return this.#allowsOpaque;
    const parts = parsedOrigin(origin);
    if (parts === null) return false;
    return (
      (isSameOrigin(parts, host) && !isDowngrade(parts, proto)) ||
      this.#patterns.some((pattern) => matches(pattern, parts))
    );
  }
}

/**
 * Lower case comes after the shape: to lower case alone, letters outside of ASCII can turn into those of
 * ASCII.
 */
function shapeOf(text: string): string[] | null {
  return SHAPE.exec(text)?.map((part: string | undefined) => (part ?? "").toLowerCase()) ?? null;
}

function parsedOrigin(text: string): OriginParts | null {
  const found = shapeOf(text);
  if (found === null || text.includes("*")) return null;
  const [, scheme = "", host = "", port] = found;
  return { scheme, host, port: port || (DEFAULT_PORTS.get(scheme) ?? "") };
}

function parsedPattern(text: string): OriginParts {
  const found = shapeOf(text);
  if (found === null) {
    throw new TypeError(
      `allowed_origins: ${JSON.stringify(text)} is no origin as a browser writes it, scheme://host:port`,
    );
  }
  const [, scheme = "", host = "", port] = found;
  if (scheme.includes("*") && scheme !== "*") {
    throw new TypeError(
      `allowed_origins: in ${JSON.stringify(text)} a * can stand for the whole scheme only`,
    );
  }
  if (host.split(".").some((label) => label.indexOf("*") !== label.lastIndexOf("*"))) {
    throw new TypeError(`allowed_origins: in ${JSON.stringify(text)} a part of the host has more than one *`);
  }
  if (scheme === "*" && port === "") return { scheme, host, port: "default" };
  return { scheme, host, port: port || (DEFAULT_PORTS.get(scheme) ?? "") };
}

/** Only http and https: an app's own scheme, such as `capacitor://localhost`, is not served by this relay. */
function isSameOrigin(origin: OriginParts, host: string | null): boolean {
  if (host === null || !DEFAULT_PORTS.has(origin.scheme)) return false;
  const own = parsedOrigin(`${origin.scheme}://${host}`);
  return own !== null && own.host === origin.host && own.port === origin.port;
}

/** A proxy that adds to the header of another leaves the browser's own scheme in front. */
function isDowngrade({ scheme }: OriginParts, proto: string | null): boolean {
  return scheme !== "https" && proto?.split(",")[0]?.trim().toLowerCase() === "https";
}

function matches(pattern: OriginParts, origin: OriginParts): boolean {
  if (pattern.scheme !== "*" && pattern.scheme !== origin.scheme) return false;
  return matchesPort(pattern.port, origin) && matchesHost(pattern.host, origin.host);
}

function matchesPort(pattern: string, origin: OriginParts): boolean {
  if (pattern === "*") return true;
  return origin.port === (pattern === "default" ? (DEFAULT_PORTS.get(origin.scheme) ?? "") : pattern);
}

/** Label by label from the right, so that nothing in front of or behind a name makes it match. */
function matchesHost(pattern: string, host: string): boolean {
  if (pattern === "*" || pattern === host) return true;
  if (!pattern.includes("*")) return false;
  const wanted = pattern.split(".");
  const labels = host.split(".");
  if (labels.includes("")) return false;
  const spare = labels.length - wanted.length;
  if (wanted[0] === "*" ? spare < 0 : spare !== 0) return false;
  return wanted.every(
    (label, index) => (index === 0 && label === "*") || matchesLabel(label, labels[index + spare]),
  );
}

function matchesLabel(pattern: string, label: string | undefined): boolean {
  if (label === undefined) return false;
  const star = pattern.indexOf("*");
  if (star === -1) return pattern === label;
  const begin = pattern.slice(0, star);
  const end = pattern.slice(star + 1);
  return label.length >= begin.length + end.length && label.startsWith(begin) && label.endsWith(end);
}
