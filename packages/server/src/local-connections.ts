import type { LocalConnections } from "./fleet.ts";
import type { RelayClient } from "./relay-client.ts";
import type { Hub } from "./websocket/hub.ts";

/** What this relay does about its connections when a relay asks all. */
export function localConnections(
  hub: Hub<RelayClient>,
  revoke: LocalConnections["revoke"],
): LocalConnections {
  return {
    revoke,
    count: (userId) => hub.clientsOf(userId).length,
    disconnect(userId) {
      const clients = [...hub.clientsOf(userId)];
      for (const client of clients) client.close("forbidden", { reason: "disconnected by an operator" });
      return clients.length;
    },
  };
}
