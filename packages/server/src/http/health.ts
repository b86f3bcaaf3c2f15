import type { BrokerHealth } from "../broker/broker.ts";
import { jsonResponse, problemResponse } from "./problem.ts";

/** `GET /healthz`: the process lives. Never asks anything else, so that a Redis outage restarts nobody. */
export function healthResponse(): Response {
  return jsonResponse({ status: "ok" });
}

/** `GET /readyz`: updates are proved to arrive, and the relay means to stay. */
export function readinessResponse(health: BrokerHealth): Response {
  if (!health.ok) return notReady(health.reason);
  return jsonResponse({ status: "ready", broker_lag_ms: Math.round(health.lagMs * 1_000) / 1_000 });
}

function notReady(detail: string): Response {
  return problemResponse({ status: 503, code: "not_ready", title: "Not ready", detail });
}
