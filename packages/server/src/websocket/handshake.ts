/**
 * What is wrong with an opening handshake, by RFC 6455, 4.2.1, as far as Bun does not look itself; null where nothing is.
 * The key and the version are Bun's to judge. A body is refused because the frames that follow it begin at a place on
 * which a proxy and the relay could disagree, and two hosts because they could disagree on which one was meant.
 */
export function handshakeFault({ method, headers }: Request): "not_websocket" | "failed" | null {
  if (method !== "GET" || headers.get("upgrade")?.toLowerCase() !== "websocket") return "not_websocket";
  if (!hasToken(headers.get("connection"), "upgrade")) return "not_websocket";
  const hasBody = headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0";
  return hasBody || headers.get("host")?.includes(",") === true ? "failed" : null;
}

function hasToken(list: string | null, token: string): boolean {
  return list?.split(",").some((item) => item.trim().toLowerCase() === token) ?? false;
}
