import type { End } from "./come-back.ts";
import type { Link, LinkEvents, LinkRequest } from "./link.ts";
import type { Platform } from "./platform.ts";

/**
 * Opens server-sent events. By `fetch`, since an `EventSource` can neither carry a token in a header nor say why it was
 * refused.
 */
export function openStream(platform: Platform, { url, token }: LinkRequest, events: LinkEvents): Link {
  const abort = new AbortController();
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (token) headers["authorization"] = `Bearer ${token}`;
  void platform
    .fetch(url, {
      headers,
      signal: abort.signal,
      cache: "no-store",
      // With a token no cookie is needed, and another origin need not allow credentials.
      credentials: token ? "same-origin" : "include",
    })
    .then((response) => follow(response, events))
    .catch((error: unknown) => ({ code: 1006, reason: String(error) }))
    .then((end) => abort.signal.aborted || events.lost(end));
  return {
    transport: "sse",
    send: () => false,
    close: () => abort.abort(),
  };
}

/** Reads the stream to its end. */
async function follow(response: Response, events: LinkEvents): Promise<End> {
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok || !response.body || !type.startsWith("text/event-stream")) return refusal(response, type);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let data = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { code: 1006, reason: "the stream ended" };
    events.heard();
    const lines = (rest + decoder.decode(value, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("data:")) data += `${line.slice(5)}\n`;
      else if (!line && data) {
        events.message(data);
        data = "";
      }
    }
  }
}

/** What an HTTP answer means in close codes. Only the relay's own words can keep a client away for good. */
function refusal({ status, headers }: Response, type: string): End {
  const isRelay = type.startsWith("application/problem+json");
  const seconds = Number(headers.get("retry-after"));
  return {
    code: status === 401 ? 4401 : status === 403 && isRelay ? 4403 : 1013,
    reason: `HTTP ${status}`,
    retryAfter: seconds > 0 ? seconds * 1_000 : undefined,
  };
}
