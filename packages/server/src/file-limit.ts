/** What a process may have open at once when its limit is not known: the smallest usual default. */
const UNKNOWN_LIMIT = 1_024;

/** Files that are not client connections: Redis, logs, listeners, requests in flight. */
const RESERVED_FILES = 128;

/** How many files this process may open (`ulimit -n`). */
export function openFileLimit(): number {
  const report: unknown = process.report.getReport();
  const limits =
    typeof report === "object" && report !== null && "userLimits" in report ? report.userLimits : null;
  const files =
    typeof limits === "object" && limits !== null && "open_files" in limits ? limits.open_files : null;
  const soft = typeof files === "object" && files !== null && "soft" in files ? files.soft : null;
  if (soft === "unlimited") return Number.MAX_SAFE_INTEGER;
  return typeof soft === "number" ? soft : UNKNOWN_LIMIT;
}

/** How many connections leave this process enough files for everything else. */
export function connectionsWithin(fileLimit: number): number {
  return Math.max(fileLimit - RESERVED_FILES, Math.floor(fileLimit / 2));
}
