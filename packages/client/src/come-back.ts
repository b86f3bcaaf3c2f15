import type { ClosingPayload } from "@tidings/protocol";

/** How a connection ended, as far as the client can tell. */
export interface End {
  /** The close code, or an HTTP answer's counterpart; 1006 where nothing was said. */
  readonly code: number;
  readonly reason: string;
  /** How long the relay asked to stay away, in milliseconds. */
  readonly retryAfter?: number | undefined;
}

/** Whether and when to come back. */
export interface Verdict extends End {
  readonly comeBack: ClosingPayload["come_back"];
}

/** Codes after which the same request would be refused again, where `tidings.closing` did not come. */
const NEVER = new Set([1002, 1007, 1008, 1009, 4400, 4403, 4409]);

/** The longest time away that a relay can ask for, in milliseconds: a client never stays away for good by accident. */
const LONGEST_STAY = 600_000;

/** The bound of the first wait, and the highest one, in milliseconds. */
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

/** Judges the end of a connection by what the relay said before it, else by its code. */
export function judge(end: End, closing: Partial<ClosingPayload>): Verdict {
  const code = closing.code ?? end.code;
  const comeBack =
    closing.come_back ??
    (code === 4401
      ? "new_token"
      : code === 4408 || code === 4480
        ? "now"
        : NEVER.has(code)
          ? "never"
          : "later");
  const advice = closing.retry_after_ms ?? end.retryAfter ?? /retry_after_ms=(\d+)/.exec(end.reason)?.[1];
  return {
    code,
    comeBack,
    reason: closing.reason || end.reason || `code ${code}`,
    retryAfter: advice !== undefined && comeBack === "later" ? Math.min(+advice, LONGEST_STAY) : undefined,
  };
}

/**
 * How long to wait, in milliseconds, after `failures` failures in a row: what the relay asked for; nothing the first time
 * where the connection was good or a new token is all that is needed; else a random time below a doubling bound, by `chance` in [0, 1).
 */
export function waitFor(verdict: Verdict, failures: number, chance: number): number {
  const { retryAfter, comeBack } = verdict;
  const bound =
    comeBack !== "later" && failures === 0 ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures);
  return retryAfter ?? chance * bound;
}
