/** The command line itself was wrong: exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Settings that cannot be: exit status 2. Each problem names the form in which its user wrote it. */
export class SettingsProblems extends Error {
  override readonly name = "SettingsProblems";
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** The command was understood and could not be done: exit status 1. The message says what to do about it. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
}
