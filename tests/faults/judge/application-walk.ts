import type { ApplicationLog, ConnectionLog, GapEvent, StandingEvent, Violation } from "./evidence.ts";
import { LogWalk } from "./log-walk.ts";
import { parseOffset, parsePosition } from "./offset.ts";

/** What one application saw over all its connections. */
export interface ApplicationWalk {
  readonly log: ApplicationLog;
  readonly user: LogWalk;
  readonly broadcast: LogWalk;
  /** Every key it received, with the offset each came with. */
  readonly received: ReadonlyMap<string, string | null>;
  readonly seqGaps: readonly GapEvent[];
  /** When it was first let in; infinite where it never was. */
  readonly startedAt: number;
  readonly violations: readonly Violation[];
}

/** Reads an application's log from its beginning to its end. */
export function walkApplication(log: ApplicationLog): ApplicationWalk {
  const user = new LogWalk(`${log.name}, own log`);
  const broadcast = new LogWalk(`${log.name}, broadcasts`);
  const received = new Map<string, string | null>();
  const seqGaps: GapEvent[] = [];
  const violations: Violation[] = [];
  let startedAt = Number.POSITIVE_INFINITY;
  const fault = (invariant: Violation["invariant"], kind: string, detail: string): void => {
    violations.push({ invariant, kind, detail: `${log.name}: ${detail}` });
  };
  for (const [index, connection] of log.connections.entries()) {
    for (const [position, event] of connection.events.entries()) {
      startedAt = Math.min(startedAt, event.at);
      if (event.kind === "standing") {
        const fallacy = standingFault(event);
        if (fallacy !== null) fault("I4", fallacy.kind, `connection ${index}: ${fallacy.detail}`);
        const missing = followingFault(connection, position);
        if (missing !== null) fault("I4", "miscounted", `connection ${index}: ${missing}`);
        const stands = parsePosition(event.offset);
        const asked = parsePosition(event.since);
        user.standing(event, stands.user, asked.user);
        broadcast.standing(event, stands.broadcast, asked.broadcast);
      } else if (event.kind === "gap") {
        if (event.reason === "seq") seqGaps.push(event);
        (event.isBroadcast ? broadcast : user).gap(event);
      } else {
        const before = received.get(event.key);
        if (before !== undefined && (event.offset === null || before === event.offset)) {
          fault("I3", "duplicate", `connection ${index} brought ${event.key} (${event.offset}) again`);
        } else if (before !== undefined) {
          fault("I3", "stored_twice", `${event.key} came as ${before} and as ${event.offset}`);
        }
        received.set(event.key, event.offset);
        const offset = event.offset === null ? null : parseOffset(event.offset);
        if (offset !== null) (offset.isBroadcast ? broadcast : user).update(event, offset);
        else if (event.offset !== null) fault("I3", "offset_form", `${event.offset} is no offset`);
      }
    }
  }
  violations.push(...user.violations, ...broadcast.violations);
  return { log, user, broadcast, received, seqGaps, startedAt, violations };
}

/** A welcome answers what was asked, and claims no recovery from elsewhere. */
function standingFault(event: StandingEvent): { kind: string; detail: string } | null {
  if (event.since === null) return null;
  if (event.recovered === null) return { kind: "unanswered", detail: `nobody answered since=${event.since}` };
  if (!event.recovered) {
    return event.reason === null
      ? { kind: "unexplained", detail: "recovered: false without a reason" }
      : null;
  }
  const asked = parsePosition(event.since);
  const stands = parsePosition(event.offset);
  for (const log of ["user", "broadcast"] as const) {
    const [from, to] = [asked[log], stands[log]];
    if (from === null || (to?.epoch === from.epoch && to.n === from.n)) continue;
    return { kind: "false_recovery", detail: `recovered ${event.since} from ${event.offset}` };
  }
  return null;
}

/** What a welcome says will follow does follow, the user's own before broadcasts; a cut may end it early. */
function followingFault({ events, closeCode }: ConnectionLog, index: number): string | null {
  const standing = events[index];
  if (standing?.kind !== "standing" || standing.following === 0) return null;
  const updates = events.slice(index + 1).filter((event) => event.kind === "update");
  const replay = updates.slice(0, standing.following);
  if (closeCode === null && replay.length < standing.following) {
    return `${standing.following} should follow, and ${replay.length} did`;
  }
  const firstBroadcast = replay.findIndex(({ offset }) => offset?.startsWith("*") === true);
  const isMixed =
    firstBroadcast !== -1 &&
    replay.slice(firstBroadcast).some(({ offset }) => offset?.startsWith("*") === false);
  return isMixed ? "what followed mixed the user's own updates with broadcasts" : null;
}
