import type { BrokerHealth } from "../broker/broker.ts";
import type { Clock } from "../clock.ts";
import type { Exposition, OwnReport, RelayReport } from "../http/relay-report.ts";
import type { Answer, Begin, FromWorker, Question, ToWorker } from "./messages.ts";

/** A worker's end of the channel to its supervisor. */
export interface Channel {
  /** @throws {Error} where the supervisor is gone. */
  send(message: FromWorker): void;
  /** Calls `hear` for every message, and `onGone` where there will be no further one. */
  listen(hear: (message: ToWorker) => void, onGone: () => void): void;
}

/** How long the supervisor has to answer, in milliseconds: longer than it waits for the workers. */
const ANSWER_MS = 3_000;

/** What a worker says to its supervisor and hears from it. */
export class WorkerLink {
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #begin = Promise.withResolvers<Begin>();
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #own: OwnReport | null = null;
  #questions = 0;

  constructor(channel: Channel, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
    channel.listen(
      (message) => this.#hear(message),
      () => this.#begin.reject(new Error("the supervisor is gone")),
    );
    // Nobody waits for it where the supervisor goes later; the process is told of that by itself.
    this.#begin.promise.catch(() => {});
  }

  /** Tells that the process runs, and resolves with what it is to do. Rejects where the supervisor is gone first. */
  begin(): Promise<Begin> {
    this.#channel.send({ kind: "hello" });
    return this.#begin.promise;
  }

  /** Tells that the relay listens. */
  listening(): void {
    this.#channel.send({ kind: "listening" });
  }

  /** A {@link Speaker}: gives the supervisor this worker's own report from here on, and returns the one of all workers. */
  readonly speakFor = (own: OwnReport): RelayReport => {
    this.#own = own;
    return {
      health: () => this.#healthOfAll(own),
      metrics: () => this.#metricsOfAll(),
    };
  };

  async #healthOfAll(own: OwnReport): Promise<BrokerHealth> {
    try {
      const answer = await this.#ask("health");
      if ("health" in answer) return answer.health;
    } catch {
      // Told below.
    }
    const health = await own.health();
    return health.ok
      ? { ok: false, reason: "The supervisor of the worker processes does not answer." }
      : health;
  }

  async #metricsOfAll(): Promise<Exposition> {
    const answer = await this.#ask("metrics");
    if ("exposition" in answer) return answer.exposition;
    throw new Error("the supervisor answered another question");
  }

  #ask(question: Question): Promise<Answer> {
    this.#questions += 1;
    const id = this.#questions;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const cancel = this.#clock.after(ANSWER_MS, () =>
      reject(new Error("the supervisor of the worker processes does not answer")),
    );
    this.#asked.set(id, resolve);
    try {
      this.#channel.send({ kind: "ask", id, question });
    } catch (error) {
      reject(error);
    }
    return promise.finally(() => {
      cancel();
      this.#asked.delete(id);
    });
  }

  #hear(message: ToWorker): void {
    switch (message.kind) {
      case "begin":
        this.#begin.resolve(message);
        break;
      case "look":
        void this.#report(message.round);
        break;
      case "answer":
        this.#asked.get(message.id)?.(message);
        break;
    }
  }

  async #report(round: number): Promise<void> {
    if (this.#own === null) return;
    const [health, metrics] = await Promise.all([this.#own.health(), this.#own.snapshot()]);
    try {
      this.#channel.send({ kind: "report", round, report: { health, metrics } });
    } catch {
      // The supervisor is gone; the end of the channel is told to the process, which then leaves.
    }
  }
}

/** The channel of this process to the one that started it; null where that gave it none. */
export function ownChannel(): Channel | null {
  const send = process.send?.bind(process);
  if (send === undefined) return null;
  return {
    send: (message) => {
      if (!process.connected) throw new Error("the supervisor is gone");
      send(message);
    },
    listen(hear, onGone) {
      process.on("message", (message) => hear(message as ToWorker));
      process.on("disconnect", onGone);
    },
  };
}
