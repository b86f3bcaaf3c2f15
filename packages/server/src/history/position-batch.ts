import type { LogPosition, UpdateLog } from "../broker/update-log.ts";

/** Logs asked about in one command. */
const MOST_TARGETS = 128;

interface Question {
  readonly target: string;
  readonly resolve: (position: LogPosition) => void;
  readonly reject: (reason: unknown) => void;
}

/** Asks where logs stand, all that were asked about in one turn of the event loop together. */
export class PositionBatch {
  readonly #log: UpdateLog;
  #questions: Question[] = [];

  constructor(log: UpdateLog) {
    this.#log = log;
  }

  /**
   * Where one log stands.
   * @throws {BrokerUnavailable} as the log.
   */
  ask(target: string): Promise<LogPosition> {
    const { promise, resolve, reject } = Promise.withResolvers<LogPosition>();
    if (this.#questions.length === 0) setImmediate(() => void this.#send());
    this.#questions.push({ target, resolve, reject });
    return promise;
  }

  async #send(): Promise<void> {
    const questions = this.#questions;
    this.#questions = [];
    for (let start = 0; start < questions.length; start += MOST_TARGETS) {
      await this.#answer(questions.slice(start, start + MOST_TARGETS));
    }
  }

  async #answer(questions: readonly Question[]): Promise<void> {
    try {
      const positions = await this.#log.positions(questions.map(({ target }) => target));
      for (const [index, question] of questions.entries()) {
        const position = positions[index];
        if (position === undefined) question.reject(new TypeError("the log left a question unanswered"));
        else question.resolve(position);
      }
    } catch (error) {
      for (const { reject } of questions) reject(error);
    }
  }
}
