/**
 * A token source that asks the application's own server for a ticket, by `POST` (see `ticketHandler` of
 * `@tidings/client/server`). `init` adds to the request, for example headers.
 */
export function fetchTicket(url: string | URL, init?: RequestInit): () => Promise<string> {
  return async () => {
    const response = await fetch(url, { method: "POST", ...init });
    if (!response.ok) throw new Error(`${response.status} ${response.url}`);
    return response.text();
  };
}
