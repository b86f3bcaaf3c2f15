import type { Evidence, MemoryLog, Violation } from "./evidence.ts";

/** I6: memory stays within its limit, and flat where that is asked. */
export function judgeMemory({ memory }: Evidence): Violation[] {
  return memory.flatMap((log) => {
    const highest = Math.max(0, ...log.samples.map(({ bytes }) => bytes));
    const violations: Violation[] = [];
    if (highest > log.limit) {
      const detail = `${log.process} had ${highest} bytes of ${log.limit}`;
      violations.push({ invariant: "I6", kind: "memory", detail });
    }
    const ratio = growth(log);
    if (log.flatRatio !== null && ratio > log.flatRatio) {
      const detail = `${log.process} grew to ${ratio.toFixed(2)} times of what it had`;
      violations.push({ invariant: "I6", kind: "growth", detail });
    }
    return violations;
  });
}

/** How many times the memory of a log's second fifth its last fifth takes: start-up is left out. */
function growth({ samples }: Pick<MemoryLog, "samples">): number {
  const fifth = Math.floor(samples.length / 5);
  if (fifth === 0) return 1;
  const mean = (from: number): number =>
    samples.slice(from, from + fifth).reduce((sum, { bytes }) => sum + bytes, 0) / fifth;
  return mean(samples.length - fifth) / mean(fifth);
}

/** When after a fault's end each application got its first frame: the longest wait, in milliseconds. */
export function longestWait({ faults, applications }: Evidence): number {
  let longest = 0;
  for (const { to } of faults) {
    for (const { connections } of applications) {
      const first = connections.flatMap(({ events }) => events).find(({ at }) => at >= to);
      longest = Math.max(longest, first === undefined ? Number.POSITIVE_INFINITY : first.at - to);
    }
  }
  return longest;
}

/** I7: once a fault is mended, every application hears from its relay in time. */
export function judgeRecovery(evidence: Evidence): Violation[] {
  const wait = longestWait(evidence);
  if (evidence.recoveryMs === null || wait <= evidence.recoveryMs) return [];
  const detail = `a client waited ${wait} ms of ${evidence.recoveryMs} after a fault was mended`;
  return [{ invariant: "I7", kind: "slow_recovery", detail }];
}

/** I8: what was opened is closed again. */
export function judgeBaselines({ baselines }: Evidence): Violation[] {
  return baselines
    .filter(({ before, after, ratio }) => after > before * ratio)
    .map(({ what, before, after }) => {
      return { invariant: "I8", kind: "leak", detail: `${what} went from ${before} to ${after}` };
    });
}

/** I9: processes end as they should, and meet no fault that nobody foresaw. */
export function judgeProcesses({ processes }: Evidence): Violation[] {
  return processes.flatMap(({ name, expected, actual, faults }) => {
    const violations: Violation[] = faults.map((line) => {
      return { invariant: "I9", kind: "uncaught", detail: `${name}: ${line}` };
    });
    if (expected !== actual) {
      const detail = `${name} should be ${expected} and is ${actual}`;
      violations.push({ invariant: "I9", kind: "exit", detail });
    }
    return violations;
  });
}

/** I10: what a relay counted is what its clients saw. */
export function judgeMetrics({ relays, applications }: Evidence): Violation[] {
  return relays.flatMap(({ relay, handshakes, framesSent, framesDropped, deliveries, isExact }) => {
    const connections = applications.flatMap((log) => log.connections).filter((log) => log.relay === relay);
    const frames = connections.reduce((sum, log) => sum + log.frames, 0);
    const updates = connections.reduce(
      (sum, { events }) => sum + events.filter(({ kind }) => kind === "update").length,
      0,
    );
    const violations: Violation[] = [];
    const check = (what: string, counted: number, seen: number): void => {
      if (isExact ? counted === seen : counted >= seen) return;
      const detail = `${relay} counted ${counted} ${what}, and its clients saw ${seen}`;
      violations.push({ invariant: "I10", kind: "metrics", detail });
    };
    check("handshakes", handshakes, connections.length);
    check("frames", framesSent, frames);
    check("deliveries", deliveries, updates);
    if (isExact && framesDropped !== 0) check("dropped frames", framesDropped, 0);
    return violations;
  });
}
