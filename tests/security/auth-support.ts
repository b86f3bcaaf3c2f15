import { SignJWT } from "jose";
import type { Settings } from "../../packages/server/src/config/schema.ts";
import { TestClient } from "../support/test-client.ts";
import type { TestRelay } from "../support/test-relay.ts";

/** The shared secret of the relays under attack. */
export const SECRET = "0123456789abcdef0123456789abcdef";

/** The API key of the relays under attack. */
export const API_KEY = "an-api-key-that-is-long";

/** Settings of a relay that believes tokens alone. */
export const guarded: Pick<Settings, "jwt_secret" | "insecure_user_id" | "api_key"> = {
  jwt_secret: SECRET,
  insecure_user_id: false,
  api_key: API_KEY,
};

/** Now, in whole seconds since 1970. */
export function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

/** A token of a user, for an hour and issued now unless claims say otherwise. */
export function tokenOf(userId: string, claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return new SignJWT({ sub: userId, iat: nowSeconds(), exp: nowSeconds() + 3_600, ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(SECRET));
}

/** How a relay answered a request: the status, and the problem's code where there is one. */
export async function answerOf(response: Response): Promise<string> {
  if (response.headers.get("content-type") !== "application/problem+json") {
    await response.body?.cancel();
    return String(response.status);
  }
  const { type } = (await response.json()) as { readonly type: string };
  return `${response.status} ${type.replace("urn:tidings:problem:", "")}`;
}

/** The headers of a handshake. */
export const handshake = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "MDEyMzQ1Njc4OWFiY2RlZg==",
} as const;

/** How a relay answers the handshake of a plain client with these headers. */
export async function plainAnswer(
  relay: TestRelay,
  headers: Readonly<Record<string, string>> | Headers,
  query = "",
): Promise<string> {
  const all = new Headers(headers);
  for (const [name, value] of Object.entries(handshake)) all.set(name, value);
  return answerOf(await relay.http(`/ws${query}`, { headers: all }));
}

/** Connects a Tidings client by its token; it may be refused on the open socket. */
export function tidingsClient(relay: { readonly url: string }, token: string): Promise<TestClient> {
  return TestClient.open({
    url: `${relay.url}/ws`,
    protocols: ["tidings.v1", `tidings.token.${token}`],
  });
}

/** Asks the interface for workers and operators. */
export function api(relay: TestRelay, method: string, path: string, body?: unknown): Promise<Response> {
  const headers = { authorization: `Bearer ${API_KEY}` };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return relay.http(path, { method, headers, ...(body === undefined ? {} : { body: text }) });
}
