/** How updates come: a WebSocket, or server-sent events where no WebSocket can be opened. */
export type Transport = "websocket" | "sse";

/**
 * How the connection stands. Each change makes a new object, so two reads can be compared by identity.
 *
 * - `connecting`: an attempt is under way.
 * - `behind`: connected, and `remaining` missed updates are still to come.
 * - `live`: connected, and nothing is missing but what a gap has told.
 * - `offline`: not connected; the next attempt is at `retryAt` (milliseconds since 1970), or null after `close`.
 * - `refused`: the relay said not to come back with the same request. `reconnect` tries again.
 */
export type Status =
  | { readonly kind: "connecting" }
  | { readonly kind: "behind"; readonly remaining: number; readonly transport: Transport }
  | {
      readonly kind: "live";
      readonly userId: string;
      readonly connectionId: string;
      readonly transport: Transport;
    }
  | { readonly kind: "offline"; readonly reason: string; readonly retryAt: number | null }
  | { readonly kind: "refused"; readonly code: number; readonly reason: string };
