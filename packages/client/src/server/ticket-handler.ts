import { requestOrigin } from "./request-origin.ts";
import { checked, createTicket, type TicketTerms } from "./ticket.ts";

/** What a {@link ticketHandler} works with. */
export interface TicketHandlerOptions<Context = unknown> extends TicketTerms {
  /**
   * Says whose session a request belongs to: the user's id, or null where there is none. `context` is what the handler was
   * called with beside the request.
   */
  readonly authorize: (
    request: Request,
    context: Context,
  ) => string | null | undefined | Promise<string | null | undefined>;
  /** Origins of pages elsewhere that may ask too, with the user's cookies: `["https://app.example.com"]`. */
  readonly origins?: readonly string[];
}

/** Answers a request, as the Fetch standard has it. */
export type TicketHandler<Context = unknown> = (request: Request, context?: Context) => Promise<Response>;

/** A ticket is for one browser, once: nothing on the way may keep it. */
const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  vary: "Origin, Sec-Fetch-Site, Cookie",
};

/**
 * Makes the route that gives signed-in users their tickets: `POST`, answered with the ticket as text. 401 without a
 * session, 403 for pages of other origins, 405 for other methods. What `authorize` throws is the framework's to handle.
 * @throws {TypeError} where the durations contradict each other, or an origin is none.
 */
export function ticketHandler<Context = unknown>(
  options: TicketHandlerOptions<Context>,
): TicketHandler<Context> {
  const { authorize, origins = [], ...terms } = options;
  checked(terms);
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new TypeError(`${JSON.stringify(origin)} is no origin, such as "https://app.example.com"`);
    }
  }
  return async (request, context) => {
    const from = requestOrigin(request, origins);
    const headers = new Headers(HEADERS);
    if (from === "listed") {
      headers.set("access-control-allow-origin", request.headers.get("origin") ?? "");
      headers.set("access-control-allow-credentials", "true");
    }
    if (request.method === "OPTIONS" && from === "listed") {
      headers.set("access-control-allow-methods", "POST");
      headers.set("access-control-allow-headers", "authorization, content-type");
      return new Response(null, { status: 204, headers });
    }
    if (request.method !== "POST") {
      headers.set("allow", "POST");
      return problem(405, "Method not allowed", "Ask for a ticket by POST.", headers);
    }
    if (from === "foreign") {
      return problem(403, "Origin not allowed", "Pages of this origin may not ask for tickets.", headers);
    }
    const user = await authorize(request, context as Context);
    if (user === null || user === undefined) {
      return problem(401, "Not signed in", "There is no session that a ticket could be for.", headers);
    }
    headers.set("content-type", "application/jwt");
    return new Response(await createTicket({ ...terms, user }), { headers });
  };
}

function problem(status: number, title: string, detail: string, headers: Headers): Response {
  headers.set("content-type", "application/problem+json");
  return new Response(JSON.stringify({ title, status, detail }), { status, headers });
}
