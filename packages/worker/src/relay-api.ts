import { messageOf, TidingsError } from "./errors.ts";

/** How many connections a user has, over all relays. */
export interface Connections {
  readonly connections: number;
  /** How many relays answered. */
  readonly relays: number;
}

const TIMEOUT_MS = 5_000;

/** `GET /v1/users/{id}`. Rejects with `relay` where the relay does not answer, or says no. */
export async function askConnections(
  relayUrl: string | undefined,
  apiKey: string | undefined,
  user: string,
  signal: AbortSignal,
): Promise<Connections> {
  if (relayUrl === undefined || apiKey === undefined) {
    throw new TypeError("connections() needs relayUrl and apiKey (TIDINGS_RELAY_URL and TIDINGS_API_KEY)");
  }
  const url = `${relayUrl.replace(/\/+$/, "")}/v1/users/${encodeURIComponent(user)}`;
  let response: Response;
  let body: Record<string, unknown>;
  try {
    response = await fetch(url, {
      headers: { authorization: `Bearer ${apiKey}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    body = (await response.json()) as Record<string, unknown>;
  } catch (error) {
    signal.throwIfAborted();
    throw new TidingsError("relay", `the relay at ${relayUrl} gave no answer: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (response.ok) return { connections: Number(body["connections"]), relays: Number(body["relays"]) };
  const fault = String(body["type"]).replace("urn:tidings:problem:", "");
  const message = `the relay answered ${response.status}: ${String(body["detail"])}`;
  throw new TidingsError("relay", message, { fault, status: response.status });
}
