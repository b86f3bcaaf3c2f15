import type { TicketHandler } from "./ticket-handler.ts";

/** What is used of a request of `node:http` or Express. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What is used of its response. */
export interface NodeResponse {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(text: string): unknown;
}

/** A handler for `node:http` and Express. */
export type NodeHandler<Incoming extends NodeRequest> = (
  request: Incoming,
  response: NodeResponse,
  next?: (error: unknown) => void,
) => Promise<void>;

/**
 * Makes a handler for `node:http` and Express of one for the Fetch standard; `authorize` gets Node's request beside the
 * other. What is thrown goes to `next` where there is one, as Express has it, else it rejects.
 */
export function nodeHandler<Incoming extends NodeRequest>(
  handler: TicketHandler<Incoming>,
): NodeHandler<Incoming> {
  return async (incoming, outgoing, next) => {
    try {
      const response = await handler(requestOf(incoming), incoming);
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.end(await response.text());
    } catch (error) {
      if (!next) throw error;
      next(error);
    }
  };
}

/** The request without its body, which a ticket has no use for. */
function requestOf({ method = "GET", url = "/", headers: given }: NodeRequest): Request {
  const headers = new Headers();
  for (const [name, values] of Object.entries(given)) {
    // HTTP/2 has fields that are no headers.
    if (name.startsWith(":") || values === undefined) continue;
    for (const value of typeof values === "string" ? [values] : values) headers.append(name, value);
  }
  // Both come from whoever asks, and need not make an address; who asked is not judged by it alone.
  const address = `http://${headers.get("host") ?? ""}${url}`;
  return new Request(URL.canParse(address) ? address : "http://localhost/", { method, headers });
}
