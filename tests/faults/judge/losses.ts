import type { ApplicationWalk } from "./application-walk.ts";
import type { Attempt, Evidence, Violation } from "./evidence.ts";
import { covers } from "./log-walk.ts";
import { parseOffset } from "./offset.ts";

/** How long before a fault an update may have been sent that it still met on its way, in milliseconds. */
const UNDER_WAY_MS = 1_000;

/** I1 and I2: nothing that was not attempted, and nothing of another user. */
export function judgeOrigin(evidence: Evidence, walks: readonly ApplicationWalk[]): Violation[] {
  const attempts = new Map(evidence.attempts.map((attempt) => [attempt.key, attempt]));
  const violations: Violation[] = [];
  for (const { log, received } of walks) {
    for (const key of received.keys()) {
      const { target, result } = attempts.get(key) ?? {};
      if (target === undefined) {
        violations.push({ invariant: "I1", kind: "invented", detail: `${log.name} received ${key}` });
      } else if (result === "fail") {
        violations.push({ invariant: "I1", kind: "refused", detail: `${log.name} received ${key}` });
      } else if (target !== log.user && target !== "*") {
        const detail = `${log.name} of ${log.user} received ${key} for ${target}`;
        violations.push({ invariant: "I2", kind: "wrong_user", detail });
      }
    }
  }
  return violations;
}

/** I3 in the store: each attempt is stored once, and each number of a log is used once. */
export function judgeStore({ stored, attempts }: Evidence): Violation[] {
  const violations: Violation[] = [];
  const offsets = new Map<string, string>();
  const answers = new Map(attempts.map(({ key, offset }) => [key, offset]));
  for (const { target, offset, key } of stored ?? []) {
    const before = offsets.get(key);
    if (before !== undefined) {
      const detail = `${key} of ${target} is stored at ${before} and ${offset}`;
      violations.push({ invariant: "I3", kind: "stored_twice", detail });
    }
    const answer = answers.get(key);
    if (typeof answer === "string" && answer !== offset) {
      const detail = `${key} of ${target} is stored at ${offset}, but its publisher was told ${answer}`;
      violations.push({ invariant: "I3", kind: "wrong_answer", detail });
    }
    offsets.set(key, offset);
  }
  return violations;
}

/** I4: what was stored for certain is received, or its loss was told. */
export function judgeAcknowledged(evidence: Evidence, walks: readonly ApplicationWalk[]): Violation[] {
  const offsets = knownOffsets(evidence, walks);
  const certain = byTarget(evidence.attempts.filter(({ key }) => offsets.has(key)));
  const violations: Violation[] = [];
  for (const walk of walks) {
    for (const attempt of [...(certain.get(walk.log.user) ?? []), ...(certain.get("*") ?? [])]) {
      if (walk.received.has(attempt.key)) continue;
      const offset = parseOffset(offsets.get(attempt.key) ?? "");
      const path = attempt.target === "*" ? walk.broadcast : walk.user;
      if (offset === null || path.start === null) continue;
      const { start } = path;
      const isBefore =
        offset.epoch === start.offset.epoch ? offset.n <= start.offset.n : attempt.sentAt < start.at;
      if (isBefore || path.told.some((told) => covers(told, offset, attempt.sentAt))) continue;
      const detail = `${walk.log.name} never saw ${attempt.key} (${offsets.get(attempt.key)}) and was not told`;
      violations.push({ invariant: "I4", kind: "lost", detail });
    }
  }
  return violations;
}

/** I4 for plain PUBLISH: what was not stored was sent during a fault, and a later number of its counter shows the hole. */
export function judgePlain(evidence: Evidence, walks: readonly ApplicationWalk[]): Violation[] {
  if (evidence.stored === null) return [];
  const offsets = knownOffsets(evidence, walks);
  const violations: Violation[] = [];
  for (const attempts of byTarget(evidence.attempts.filter(({ path }) => path === "plain")).values()) {
    const highest = new Map<string | null, number>();
    for (const { key, producer, seq } of attempts) {
      if (offsets.has(key)) highest.set(producer, Math.max(highest.get(producer) ?? -1, seq ?? -1));
    }
    for (const attempt of attempts.filter(({ key, result }) => result === "ok" && !offsets.has(key))) {
      if (!mayBeLost(evidence, attempt)) {
        const detail = `${attempt.key} for ${attempt.target} was not stored, and there was no fault`;
        violations.push({ invariant: "I4", kind: "lost_outside_fault", detail });
      }
      if (attempt.seq === null || (highest.get(attempt.producer) ?? -1) < attempt.seq) continue;
      for (const walk of walks) {
        if (!concerns(attempt, walk) || isAnnounced(attempt, walk)) continue;
        const detail = `${walk.log.name} was not told that ${attempt.producer} ${attempt.seq} is missing`;
        violations.push({ invariant: "I4", kind: "hole_unannounced", detail });
      }
    }
  }
  return violations;
}

/** I5: without history nothing is lost outside faults, the order holds, and each cut of a subscription is counted. */
export function judgeWithoutHistory(evidence: Evidence, walks: readonly ApplicationWalk[]): Violation[] {
  const violations: Violation[] = [];
  const attempts = byTarget(evidence.attempts.filter(({ result }) => result === "ok"));
  for (const walk of walks) {
    for (const attempt of [...(attempts.get(walk.log.user) ?? []), ...(attempts.get("*") ?? [])]) {
      if (walk.received.has(attempt.key) || attempt.sentAt < walk.startedAt) continue;
      if (mayBeLost(evidence, attempt)) continue;
      const detail = `${walk.log.name} never saw ${attempt.key}, and there was no fault`;
      violations.push({ invariant: "I5", kind: "lost_outside_fault", detail });
    }
  }
  const order = new Map(evidence.attempts.map(({ key }, index) => [key, index]));
  for (const { log, received } of walks) {
    let last = -1;
    for (const key of received.keys()) {
      const index = order.get(key) ?? last;
      if (index < last) violations.push({ invariant: "I5", kind: "order", detail: `${log.name}: ${key}` });
      last = Math.max(last, index);
    }
  }
  for (const { relay, resubscriptions, cuts } of evidence.relays) {
    if (resubscriptions >= cuts) continue;
    const detail = `${relay} counted ${resubscriptions} re-subscriptions of ${cuts} cuts`;
    violations.push({ invariant: "I5", kind: "uncounted", detail });
  }
  return violations;
}

/** The offset of every attempt that was stored for certain: answered, read from the store, or received by somebody. */
function knownOffsets(evidence: Evidence, walks: readonly ApplicationWalk[]): ReadonlyMap<string, string> {
  const offsets = new Map<string, string>();
  for (const { received } of walks) {
    for (const [key, offset] of received) if (offset !== null) offsets.set(key, offset);
  }
  for (const { key, offset } of evidence.stored ?? []) offsets.set(key, offset);
  for (const { key, offset, result } of evidence.attempts) {
    if (result === "ok" && offset !== null) offsets.set(key, offset);
  }
  return offsets;
}

function byTarget(attempts: readonly Attempt[]): ReadonlyMap<string, readonly Attempt[]> {
  return Map.groupBy(attempts, ({ target }) => target);
}

function mayBeLost({ faults }: Evidence, { sentAt }: Attempt): boolean {
  return faults.some(({ from, to, mayLose }) => mayLose && sentAt >= from - UNDER_WAY_MS && sentAt <= to);
}

function concerns({ target, sentAt }: Attempt, { log, startedAt }: ApplicationWalk): boolean {
  return (target === log.user || target === "*") && sentAt >= startedAt;
}

function isAnnounced(attempt: Attempt, walk: ApplicationWalk): boolean {
  const seq = attempt.seq ?? 0;
  const { told } = attempt.target === "*" ? walk.broadcast : walk.user;
  return (
    told.some(({ at }) => at > attempt.sentAt) ||
    walk.seqGaps.some((gap) => gap.producer === attempt.producer && gap.from <= seq && seq <= gap.to)
  );
}
