import { BROADCAST_TARGET, formatOffset, userIdFault } from "@tidings/protocol";
import { BrokerUnavailable } from "../broker/broker.ts";
import type { UpdateLog } from "../broker/update-log.ts";
import { type Fleet, type FleetAnswer, FleetIncomplete } from "../fleet.ts";
import { jsonResponse, problemResponse } from "./problem.ts";

/** `GET /v1/users/{id}`: how many connections a user has, over all relays. */
export function countConnections(fleet: Fleet, userId: string): Promise<Response> {
  return answer(userId, () => fleet.count(userId), "connections");
}

/** `DELETE /v1/users/{id}/connections`: closes a user's connections on all relays (4403). */
export function closeConnections(fleet: Fleet, userId: string): Promise<Response> {
  return answer(userId, () => fleet.disconnect(userId), "closed");
}

/**
 * `GET /v1/users/{id}/offset`: where the logs of a user and of broadcasts stand, to be given as `since`; null without
 * history.
 */
export async function tellOffset(log: UpdateLog | null, userId: string): Promise<Response> {
  const refusal = refuseUserId(userId);
  if (refusal !== null) return refusal;
  if (log === null) return jsonResponse({ user_id: userId, offset: null });
  try {
    const targets = [userId, BROADCAST_TARGET];
    const positions = await log.positions(targets);
    const offsets = positions.map(({ epoch, n }, index) => formatOffset(targets[index] ?? "", epoch, n));
    return jsonResponse({ user_id: userId, offset: offsets.join(",") });
  } catch (error) {
    if (!(error instanceof BrokerUnavailable)) throw error;
    return problemResponse(
      {
        status: 503,
        code: error.code,
        title: "Redis unavailable",
        detail: "Redis is not reachable, so nobody knows where the log stands.",
      },
      { "retry-after": "1" },
    );
  }
}

async function answer(
  userId: string,
  ask: () => Promise<FleetAnswer>,
  name: "connections" | "closed",
): Promise<Response> {
  const refusal = refuseUserId(userId);
  if (refusal !== null) return refusal;
  try {
    const { connections, relays } = await ask();
    return jsonResponse({ user_id: userId, [name]: connections, relays });
  } catch (error) {
    if (!(error instanceof BrokerUnavailable || error instanceof FleetIncomplete)) throw error;
    const detail =
      error instanceof FleetIncomplete
        ? `${error.message}, so the sum is not known.`
        : "Redis is not reachable, so the other relays cannot be asked.";
    return problemResponse(
      { status: 503, code: error.code, title: "Not all relays answered", detail },
      { "retry-after": "1" },
    );
  }
}

function refuseUserId(userId: string): Response | null {
  const fault = userIdFault(userId);
  if (fault === null) return null;
  return problemResponse({
    status: 400,
    code: "bad_user_id",
    title: "Not a user id",
    detail: `The user id in the path ${fault}.`,
  });
}
