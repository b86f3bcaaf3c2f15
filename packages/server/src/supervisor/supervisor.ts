import type { BrokerHealth } from "../broker/broker.ts";
import type { Clock, Random } from "../clock.ts";
import type { Settings } from "../config/schema.ts";
import type { Logger } from "../log.ts";
import { joinedHealth } from "./joined-health.ts";
import { JoinedMetrics } from "./joined-metrics.ts";
import { Looks } from "./looks.ts";
import type { Question } from "./messages.ts";
import { settingsOf } from "./worker-count.ts";
import type { SpawnWorker } from "./worker-process.ts";
import { WorkerSlot } from "./worker-slot.ts";

/** What a supervisor works with. */
export interface SupervisorOptions {
  /** How many workers there are; 2 or more. */
  readonly count: number;
  /** Those of the relay, with the port that all listen on. */
  readonly settings: Settings;
  readonly spawn: SpawnWorker;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** How often every worker is looked after, in milliseconds. One that has said nothing at six looks in a row is killed. */
const LOOK_AFTER_MS = 5_000;

/**
 * Runs the workers of one relay: starts each again that dies, kills one that hangs, and answers for all of them what one
 * was asked by HTTP.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: readonly WorkerSlot[];
  readonly #looks: Looks;
  readonly #metrics = new JoinedMetrics();
  readonly #started = Promise.withResolvers<number | null>();
  readonly #hopeless = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  #hasStarted = false;
  #isLeaving = false;
  /** Deaths are taken into the metrics one after the other. */
  #buried: Promise<void> = Promise.resolve();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.count }, (_, index) => this.#slot(index + 1));
    this.#looks = new Looks(this.#slots, options.clock);
  }

  /** Resolves when a worker died in a loop: the relay has to end. */
  get hopeless(): Promise<void> {
    return this.#hopeless.promise;
  }

  /**
   * Starts the workers: one, and when it listens the others, so that what keeps it from starting is told once. Resolves
   * with null when all listen, or with the exit status (1 where it had none) of the first that ended before that.
   */
  start(): Promise<number | null> {
    this.#slots[0]?.start();
    const cancel = this.#options.clock.every(LOOK_AFTER_MS, () => {
      for (const slot of this.#slots) slot.endIfHung();
      void this.#looks.take();
    });
    void this.#gone.promise.then(cancel);
    return this.#started.promise;
  }

  /**
   * Sends every worker a signal, starts none again, and resolves when all have ended. May be called again, with a stronger
   * signal.
   */
  leave(signal: NodeJS.Signals): Promise<void> {
    this.#isLeaving = true;
    for (const slot of this.#slots) slot.leave(signal);
    this.#leftIfEmpty();
    return this.#gone.promise;
  }

  #slot(worker: number): WorkerSlot {
    const { count, settings, spawn, clock, random, logger } = this.#options;
    return new WorkerSlot({
      worker,
      begin: { kind: "begin", worker, settings: settingsOf(worker, count, settings) },
      spawn,
      clock,
      random,
      logger,
      onListening: () => this.#listening(worker),
      onReported: () => this.#looks.reported(),
      onQuestion: (id, question) => void this.#answer(worker, id, question),
      onEnd: ({ status }, last) => {
        this.#buried = this.#buried.then(() => this.#metrics.bury(last));
        this.#leftIfEmpty();
        if (!this.#hasStarted) this.#started.resolve(status === null || status === 0 ? 1 : status);
        return this.#hasStarted && !this.#isLeaving;
      },
      onHopeless: () => this.#hopeless.resolve(),
    });
  }

  #listening(worker: number): void {
    if (this.#hasStarted || this.#isLeaving) return;
    if (worker === 1) for (const slot of this.#slots.slice(1)) slot.start();
    if (!this.#slots.every(({ isListening }) => isListening)) return;
    this.#hasStarted = true;
    this.#started.resolve(null);
  }

  async #answer(worker: number, id: number, question: Question): Promise<void> {
    await this.#looks.take();
    await this.#buried;
    const slot = this.#slots[worker - 1];
    if (question === "health") slot?.send({ kind: "answer", id, health: this.#health() });
    else slot?.send({ kind: "answer", id, exposition: await this.#metrics.expose(this.#slots) });
  }

  #health(): BrokerHealth {
    if (this.#isLeaving) return { ok: false, reason: "The relay is shutting down." };
    return joinedHealth(this.#slots);
  }

  #leftIfEmpty(): void {
    if (this.#isLeaving && !this.#slots.some(({ isTaken }) => isTaken)) this.#gone.resolve();
  }
}
