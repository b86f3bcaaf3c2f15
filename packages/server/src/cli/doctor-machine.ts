import { createServer } from "node:net";
import type { Settings } from "../config/schema.ts";
import { settingsOf, workerCount } from "../supervisor/worker-count.ts";
import { connectionsWithin, openFileLimit } from "../file-limit.ts";
import type { Finding } from "./doctor-finding.ts";

/** Fewer connections than this is what a desktop's default limit allows, not what a server wants. */
const FEW_CONNECTIONS = 4_096;

/** How long a tidings that holds the port may take to say so, in milliseconds. */
const HEALTH_TIMEOUT_MS = 2_000;

/** Whether the process may open as many files as the settings ask for connections. */
export function fileLimitFinding(settings: Settings): Finding {
  // The limit is that of each process, and the first worker has the largest part.
  const { max_connections: wanted } = settingsOf(1, workerCount(settings), settings);
  const check = "file limit";
  const limit = openFileLimit();
  const room = connectionsWithin(limit);
  const mend = "raise it: ulimit -n 1048576, or LimitNOFILE= in the systemd unit";
  const says = `${limit} open files leave room for ${room} connections`;
  if (wanted > room)
    return { check, level: "fail", says: `${says}, and max_connections asks for ${wanted}`, mend };
  return room < FEW_CONNECTIONS ? { check, level: "warn", says, mend } : { check, level: "ok", says };
}

/** Whether the ports of the settings can be listened on. */
export async function listenerFindings(settings: Settings): Promise<readonly Finding[]> {
  const { host, port, internal_port: internal } = settings;
  const ports = [
    { check: "port", port },
    ...(internal === undefined ? [] : [{ check: "internal port", port: internal }]),
  ];
  return Promise.all(ports.map((listener) => listenerFinding({ ...listener, host })));
}

async function listenerFinding({
  check,
  host,
  port,
}: {
  check: string;
  host: string;
  port: number;
}): Promise<Finding> {
  const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const code = await listenFault(host, port);
  if (code === null) return { check, level: "ok", says: `${place} is free` };
  if (code === "EADDRINUSE") {
    if (await tidingsAnswers(host, port))
      return { check, level: "ok", says: `${place} is served by a relay already` };
    const mend = `find who listens with: ss -ltnp 'sport = :${port}', or set another port`;
    return { check, level: "fail", says: `${place} is taken by another program`, mend };
  }
  const mend =
    code === "EACCES"
      ? "take a port from 1024 on, or allow it: AmbientCapabilities=CAP_NET_BIND_SERVICE"
      : "set a host of this machine";
  return { check, level: "fail", says: `${place} cannot be listened on (${code})`, mend };
}

function listenFault(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown error"));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

async function tidingsAnswers(host: string, port: number): Promise<boolean> {
  const reachable =
    host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  try {
    const response = await fetch(`http://${reachable}:${port}/healthz`, {
      signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
    });
    const body: unknown = await response.json();
    return typeof body === "object" && body !== null && "status" in body && body.status === "ok";
  } catch {
    return false;
  }
}
