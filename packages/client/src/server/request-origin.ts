/** From where a request comes: the site's own pages, a page of an origin that is listed, or somewhere else. */
export type RequestOrigin = "own" | "listed" | "foreign";

/**
 * Judges by the headers that only a browser sets, and that no page can set for it. A program that is no browser sends
 * neither; nobody's cookies come with its request, so it counts as the site's own.
 */
export function requestOrigin({ headers, url }: Request, listed: readonly string[]): RequestOrigin {
  const origin = headers.get("origin");
  if (origin !== null && listed.includes(origin)) return "listed";
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin" ? "own" : "foreign";
  if (origin === null) return "own";
  // Behind a proxy the address of the request is not the one that the browser knows. A page cannot set these either.
  const hosts = [headers.get("x-forwarded-host"), headers.get("host"), new URL(url).host];
  return URL.canParse(origin) && hosts.includes(new URL(origin).host) ? "own" : "foreign";
}
