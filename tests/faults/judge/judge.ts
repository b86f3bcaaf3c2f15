import { walkApplication } from "./application-walk.ts";
import type { Evidence, Violation } from "./evidence.ts";
import { judgeAcknowledged, judgeOrigin, judgePlain, judgeStore, judgeWithoutHistory } from "./losses.ts";
import { judgeBaselines, judgeMemory, judgeMetrics, judgeProcesses, judgeRecovery } from "./machines.ts";

/**
 * Holds the logs of one run against the invariants I1 to I10 and returns every breach. Pure: the same evidence is judged
 * alike, so that a run can be judged again from its logs.
 */
export function judge(evidence: Evidence): readonly Violation[] {
  const walks = evidence.applications.map(walkApplication);
  return [
    ...judgeOrigin(evidence, walks),
    ...walks.flatMap(({ violations }) => violations),
    ...judgeStore(evidence),
    ...(evidence.history ? judgeAcknowledged(evidence, walks) : judgeWithoutHistory(evidence, walks)),
    ...(evidence.history ? judgePlain(evidence, walks) : []),
    ...judgeMemory(evidence),
    ...judgeRecovery(evidence),
    ...judgeBaselines(evidence),
    ...judgeProcesses(evidence),
    ...judgeMetrics(evidence),
  ];
}
