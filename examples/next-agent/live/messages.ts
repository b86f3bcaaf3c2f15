import { TidingsError } from "@tidings/client";
import type { useSend } from "@tidings/client/react";
import type { AgentMessages } from "./run.ts";

/** How long a message waits for a connection before it goes another way, in milliseconds. */
const patienceMs = 3_000;

/**
 * Gets a message to the agent: over the connection, else by way of this application's server, where the network allows
 * no WebSocket or the relay is away. Sending twice does no harm, since a message names its run.
 * @throws where it went neither way.
 */
export async function deliver<Type extends keyof AgentMessages>(
  send: ReturnType<typeof useSend>,
  type: Type,
  payload: AgentMessages[Type],
): Promise<void> {
  try {
    await send(type, payload, { timeout: patienceMs });
  } catch (error) {
    if (!(error instanceof TidingsError)) throw error;
    const response = await fetch("/api/messages", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ type, payload }),
    });
    if (!response.ok) throw new Error(`the server answered with status ${response.status}`, { cause: error });
  }
}
