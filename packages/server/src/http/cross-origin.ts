/** What a page may ask for in a request to read a stream: its token, and from where to resume. */
const REQUEST_HEADERS = "Authorization, Cache-Control, Last-Event-ID";

/** What a page may read of the answer, beside what it always may. */
const RESPONSE_HEADERS = "Retry-After, WWW-Authenticate";

/** How long a browser may remember the answer to its preflight, in seconds. */
const PREFLIGHT_SECONDS = "600";

/** Lets a page of `origin`, which is allowed, read the answer, also to a request that carries cookies. */
export function allowPage(response: Response, origin: string): void {
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("access-control-allow-credentials", "true");
  response.headers.set("access-control-expose-headers", RESPONSE_HEADERS);
}

/** The answer to the question of a browser (a preflight) whether a page may send its request. */
export function preflightResponse(methods: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      allow: methods,
      "access-control-allow-methods": methods,
      "access-control-allow-headers": REQUEST_HEADERS,
      "access-control-max-age": PREFLIGHT_SECONDS,
    },
  });
}

/**
 * Whether a page of another site has the request sent without saying which it is: by a link, an image or a script. Such
 * a request carries the visitor's cookies and no `Origin`; browsers mark it by `Sec-Fetch-Site`.
 */
export function isHiddenCrossSite(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  return (site === "cross-site" || site === "same-site") && headers.get("origin") === null;
}
