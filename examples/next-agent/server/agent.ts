import type { Conversation } from "../live/run.ts";
import { settings } from "./settings.ts";

const patienceMs = 5_000;

/** What the agent has stored of a user's conversations. */
export async function readConversation(userId: string): Promise<Conversation> {
  const response = await ask(`/conversation?user=${encodeURIComponent(userId)}`, {});
  if (!response.ok) throw new Error(`the agent answered with status ${response.status}`);
  return (await response.json()) as Conversation;
}

/** Hands a message to the agent, for a browser whose connection has no way up. Returns whether it was taken. */
export async function tellAgent(
  userId: string,
  message: { type: unknown; payload: unknown },
): Promise<boolean> {
  const body = JSON.stringify({ user: userId, type: message.type, payload: message.payload });
  return (await ask("/messages", { method: "POST", body })).ok;
}

function ask(path: string, init: RequestInit): Promise<Response> {
  return fetch(settings.agentUrl() + path, {
    ...init,
    cache: "no-store",
    headers: { authorization: `Bearer ${settings.agentKey()}` },
    signal: AbortSignal.timeout(patienceMs),
  });
}
