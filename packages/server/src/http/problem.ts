/** An error of the HTTP interface, as RFC 9457 (problem details) has it. */
export interface Problem {
  readonly status: number;
  /** Short and the same each time. */
  readonly title: string;
  /** What was wrong this time, and what to do about it. */
  readonly detail: string;
  /** Stable name of the problem for programs; becomes `type` as `urn:tidings:problem:<code>`. */
  readonly code: string;
  /** Members beside the standard ones. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** The response that carries a problem. */
export function problemResponse(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  const { status, title, detail, code, more } = problem;
  const body = JSON.stringify({ type: `urn:tidings:problem:${code}`, title, status, detail, ...more });
  return new Response(body, {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}

/** A JSON answer that nobody may cache. */
export function jsonResponse(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

/** Where there is nothing. */
export const notFound: Problem = {
  status: 404,
  code: "not_found",
  title: "Not found",
  detail: "There is nothing at this address. See docs/http.md for what there is.",
};
