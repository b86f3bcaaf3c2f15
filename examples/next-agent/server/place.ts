import { startingOffset } from "@tidings/client/server";
import { settings } from "./settings.ts";

/**
 * The place from which a page follows its user's updates. Ask before the conversation is read: what comes between is then
 * told twice, and taken once. Where the relay cannot be asked, the page begins with all that the relay holds.
 */
export async function placeOf(userId: string): Promise<string> {
  const relay = settings.relayInternalUrl();
  const offset = await startingOffset({ relay, apiKey: settings.relayKey(), user: userId }).catch(() => null);
  return offset ?? "earliest";
}
