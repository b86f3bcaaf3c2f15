import type { Ask, Cancel } from "./inbound.ts";
import { type RunTools, type Tell, work } from "./run.ts";

/** How many runs may be worked on at once. */
export interface RunLimits {
  readonly perUser: number;
  readonly inAll: number;
}

/** Why a run ended without an answer; `agent_failed` carries it as `code`, beside a sentence for the user. */
export type FailureCode = "cancelled" | "busy" | "bad_question" | "shutting_down" | "failed";

/** A run's end that its user is told about. */
class RunEnded extends Error {
  override readonly name = "RunEnded";
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string) {
    super(message);
    this.code = code;
  }
}

interface OpenRun {
  readonly userId: string;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** What the desk needs from the outside. */
export interface DeskParts {
  readonly limits: RunLimits;
  readonly tools: RunTools;
  /** Gives the way to tell one user something. */
  readonly tellUser: (userId: string) => Tell;
  /** Takes one line for the worker's own log; it never holds what a user wrote. */
  readonly log: (line: string) => void;
}

/**
 * Takes questions, works on a bounded number of them at once, and stops them when their own user asks for
 * it.
 */
export class RunDesk {
  readonly #parts: DeskParts;
  readonly #open = new Map<string, OpenRun>();
  #isClosed = false;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** How many runs are being worked on. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Begins a run and returns at once. One too many is answered with `agent_failed`; a run already open is
   * left alone.
   */
  take({ userId, run, question }: Ask): void {
    const key = keyOf(userId, run);
    if (this.#open.has(key)) return this.#parts.log("a question came twice; the first is being worked on");

    const refusal = this.#refusal(userId);
    if (refusal !== null) return void this.fail(userId, run, refusal);

    const stop = new AbortController();
    const tell = this.#parts.tellUser(userId);
    const done = work(run, question, tell, this.#parts.tools, stop.signal)
      .catch(async (error: unknown) => {
        const ended = error instanceof RunEnded ? error : failureOf(error);
        if (ended.code === "failed") this.#parts.log(`a run failed: ${describe(error)}`);
        await this.fail(userId, run, ended);
      })
      .finally(() => this.#open.delete(key));
    this.#open.set(key, { userId, stop, done });
  }

  /** Stops a run of this very user; anybody else's run of the same name goes on. */
  cancel({ userId, run }: Cancel): void {
    this.#open.get(keyOf(userId, run))?.stop.abort(new RunEnded("cancelled", "Stopped."));
  }

  /** Tells a user that a run will not be answered. Never throws. */
  async fail(
    userId: string,
    run: string | undefined,
    { code, message }: { readonly code: FailureCode; readonly message: string },
  ): Promise<void> {
    try {
      await this.#parts.tellUser(userId)("agent_failed", { message, code, run });
    } catch (error) {
      this.#parts.log(`a failed run could not be reported: ${describe(error)}`);
    }
  }

  /** Takes no more questions, stops what is open, tells its users, and resolves when that is done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const open = [...this.#open.values()];
    for (const { stop } of open)
      stop.abort(new RunEnded("shutting_down", "The worker is shutting down. Ask again."));
    await Promise.all(open.map(({ done }) => done));
  }

  #refusal(userId: string): RunEnded | null {
    const { perUser, inAll } = this.#parts.limits;
    if (this.#isClosed) return new RunEnded("shutting_down", "The worker is shutting down. Ask again.");
    if (this.#open.size >= inAll)
      return new RunEnded("busy", "The worker is busy with other questions. Ask again soon.");
    const own = [...this.#open.values()].filter((run) => run.userId === userId).length;
    if (own < perUser) return null;
    return new RunEnded("busy", `You have ${own} questions open. Wait for an answer, or stop one.`);
  }
}

/** A user id holds no control characters, so the two cannot run into each other. */
function keyOf(userId: string, run: string): string {
  return `${userId}\n${run}`;
}

function failureOf(error: unknown): RunEnded {
  return new RunEnded("failed", error instanceof Error ? error.message : "The worker failed.");
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
