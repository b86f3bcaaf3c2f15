import type { End } from "./come-back.ts";
import type { Link, LinkEvents, LinkRequest } from "./link.ts";
import type { Platform } from "./platform.ts";

/** Opens a WebSocket. The token goes into a subprotocol, since a browser can set no header and addresses end up in logs. */
export function openSocket(platform: Platform, { url, token }: LinkRequest, events: LinkEvents): Link {
  const protocols = ["tidings.v1"];
  if (token) protocols.push(`tidings.token.${token}`);
  const socket = platform.socket(url, protocols);
  socket.onmessage = ({ data }: { data: unknown }) => {
    events.heard();
    events.message(data);
  };
  // Chromium has no close event for a socket that the page's own policy forbids. Once it is open, only that has the code.
  socket.onerror = () => events.lost({ code: 1006, reason: "" });
  socket.onopen = () => (socket.onerror = null);
  socket.onclose = (end: End) => events.lost(end);
  return {
    transport: "websocket",
    send(text) {
      socket.send(text);
      return true;
    },
    close() {
      socket.close(1000);
    },
  };
}
