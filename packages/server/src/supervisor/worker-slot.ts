import type { BrokerHealth } from "../broker/broker.ts";
import type { CancelTimer, Clock, Random } from "../clock.ts";
import type { MetricSnapshot } from "../http/relay-report.ts";
import { faultText, type Logger } from "../log.ts";
import type { FromWorker, Question, ToWorker, WorkerReport } from "./messages.ts";
import { Restarts } from "./restarts.ts";
import type { ProcessEnd, SpawnWorker, WorkerProcess } from "./worker-process.ts";

/** What a slot tells its supervisor. */
export interface SlotEvents {
  /** The worker listens. */
  readonly onListening: () => void;
  /** It answered a look, or can no longer answer one. */
  readonly onReported: () => void;
  /** By HTTP it was asked for something of all workers. */
  readonly onQuestion: (id: number, question: Question) => void;
  /** Its process ended; `last` is the latest that it had counted. Says whether another one shall take the place. */
  readonly onEnd: (end: ProcessEnd, last: MetricSnapshot | null) => boolean;
  /** It dies each time soon after its start, and is not started again. */
  readonly onHopeless: () => void;
}

/** What a slot works with. */
export interface SlotOptions extends SlotEvents {
  readonly worker: number;
  /** What the process is told first. */
  readonly begin: ToWorker;
  readonly spawn: SpawnWorker;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A process that was silent at so many regular looks in a row hangs. */
const MOST_SILENT = 6;

/** One place for a worker: the process that has it now, its end, and the next one. */
export class WorkerSlot {
  readonly worker: number;
  readonly #options: SlotOptions;
  readonly #restarts: Restarts;
  #process: WorkerProcess | null = null;
  #startedAt = 0;
  #isListening = false;
  #cancelStart: CancelTimer | null = null;
  #round = 0;
  #answeredRound = 0;
  #hasSpoken = true;
  #silent = 0;
  #report: WorkerReport | null = null;

  constructor(options: SlotOptions) {
    this.worker = options.worker;
    this.#options = options;
    this.#restarts = new Restarts(options.random);
  }

  /** Whether a process has the place. */
  get isTaken(): boolean {
    return this.#process !== null;
  }

  /** Whether its process listens. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** Whether it was asked how it is and has not answered yet. */
  get owesReport(): boolean {
    return this.#isListening && this.#answeredRound !== this.#round;
  }

  /** The latest that its process counted; null where it has told nothing yet. */
  get snapshot(): MetricSnapshot | null {
    return this.#report?.metrics ?? null;
  }

  /** What its process said in this round, or why it said nothing. */
  get health(): BrokerHealth {
    if (this.#process === null) return { ok: false, reason: "Its process ended and is started again." };
    if (this.owesReport) return { ok: false, reason: "It does not answer." };
    return this.#report?.health ?? { ok: false, reason: "It starts." };
  }

  /** Starts the process. */
  start(): void {
    const { spawn, clock, logger, worker } = this.#options;
    this.#cancelStart = null;
    this.#startedAt = clock.monotonic();
    this.#hasSpoken = true;
    this.#silent = 0;
    try {
      const started: WorkerProcess = spawn({
        onMessage: (message) => {
          // What a process wrote may be read after its end was told.
          if (this.#process === started) this.#hear(message);
        },
        onEnd: (end) => this.#ended(end),
      });
      this.#process = started;
    } catch (error) {
      logger.error({ worker, error: faultText(error) }, "a worker process could not be started");
      this.#ended({ status: null, signal: null });
      return;
    }
    logger.info({ worker, pid: this.#process.pid }, "a worker process started");
  }

  /** Asks the process for a report, if it listens. */
  look(round: number): void {
    if (!this.#isListening) return;
    this.#round = round;
    this.send({ kind: "look", round });
  }

  /** Ends a process that hangs: one that said nothing for many regular looks. Called before each of them. */
  endIfHung(): void {
    this.#silent = this.#hasSpoken || this.#process === null ? 0 : this.#silent + 1;
    this.#hasSpoken = false;
    if (this.#silent < MOST_SILENT) return;
    const { logger, worker } = this.#options;
    logger.error({ worker, pid: this.#process?.pid }, "a worker process hangs; killing it");
    this.#process?.kill("SIGKILL");
  }

  /** Tells the process something; nothing happens where there is none. */
  send(message: ToWorker): void {
    this.#process?.send(message);
  }

  /** Sends the process a signal and starts no other one. */
  leave(signal: NodeJS.Signals): void {
    this.#cancelStart?.();
    this.#process?.kill(signal);
  }

  #hear(message: FromWorker): void {
    this.#hasSpoken = true;
    switch (message.kind) {
      case "hello":
        this.send(this.#options.begin);
        break;
      case "listening":
        this.#isListening = true;
        // A look that goes on was not addressed to it.
        this.#answeredRound = this.#round;
        this.#options.onListening();
        break;
      case "report":
        this.#report = message.report;
        this.#answeredRound = message.round;
        this.#options.onReported();
        break;
      case "ask":
        this.#options.onQuestion(message.id, message.question);
        break;
    }
  }

  #ended(end: ProcessEnd): void {
    const { clock, logger, worker, onEnd, onReported, onHopeless } = this.#options;
    const last = this.snapshot;
    this.#process = null;
    this.#report = null;
    this.#isListening = false;
    const isNeeded = onEnd(end, last);
    onReported();
    if (!isNeeded) return;
    const livedMs = clock.monotonic() - this.#startedAt;
    const waitMs = this.#restarts.afterLife(livedMs);
    const fields = { worker, ...end, lived_ms: Math.round(livedMs) };
    if (waitMs === null) {
      logger.fatal(fields, "a worker process died each time soon after its start");
      onHopeless();
      return;
    }
    logger.error({ ...fields, wait_ms: Math.round(waitMs) }, "a worker process ended; starting it again");
    this.#cancelStart = clock.after(waitMs, () => this.start());
  }
}
