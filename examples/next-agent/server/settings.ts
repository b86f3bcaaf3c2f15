/** What the server is configured with, read when it is asked for, so that a build needs none of it. */
export const settings = {
  /** Signs sessions. */
  sessionSecret: (): string => needed("SESSION_SECRET"),
  /** The relay as browsers reach it; by default on port 8080 of the host that the page came from. */
  relayUrl: (host: string): string => process.env["RELAY_URL"] ?? `http://${host.replace(/:\d+$/, "")}:8080`,
  /** The relay as this server reaches it, and the key to publish there: its `TIDINGS_API_KEY`. */
  relayInternalUrl: (): string => process.env["RELAY_INTERNAL_URL"] ?? "http://127.0.0.1:8080",
  relayKey: (): string => needed("TIDINGS_API_KEY"),
  /** The Python worker's own interface. */
  agentUrl: (): string => process.env["AGENT_URL"] ?? "http://127.0.0.1:8090",
  agentKey: (): string => needed("AGENT_KEY"),
};

function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}, see examples/next-agent/README.md`);
  return value;
}
