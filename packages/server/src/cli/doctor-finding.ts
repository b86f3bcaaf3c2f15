/** One thing that was looked at. */
export interface Finding {
  /** What was looked at, in a word or two; stable. */
  readonly check: string;
  /** `fail`: a relay would not work. `warn`: it would, not as well as it should. */
  readonly level: "ok" | "warn" | "fail";
  readonly says: string;
  /** What to do about it, in one line; absent where all is well. */
  readonly mend?: string;
}
