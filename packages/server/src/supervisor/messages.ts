import type { BrokerHealth } from "../broker/broker.ts";
import type { Settings } from "../config/schema.ts";
import type { Exposition, MetricSnapshot } from "../http/relay-report.ts";

/** What one worker says of itself. */
export interface WorkerReport {
  readonly health: BrokerHealth;
  readonly metrics: MetricSnapshot;
}

/**
 * What a worker process is told first. The settings come this way and are read once, by the supervisor: a worker that
 * starts again gets the same, whatever became of the file meanwhile, and no secret is seen in a list of processes.
 */
export interface Begin {
  readonly kind: "begin";
  /** The worker's number, from 1. It keeps its number when it is started again. */
  readonly worker: number;
  readonly settings: Settings;
}

/** What can be asked of all workers together. */
export type Question = "health" | "metrics";

/** The answer for all workers; it has the number that the question had. */
export type Answer =
  | { readonly kind: "answer"; readonly id: number; readonly health: BrokerHealth }
  | { readonly kind: "answer"; readonly id: number; readonly exposition: Exposition };

/** From supervisor to worker. `look` asks for a report, which carries the same number. */
export type ToWorker = Begin | { readonly kind: "look"; readonly round: number } | Answer;

/**
 * From worker to supervisor: that it runs and waits for `begin`; that it listens; its own report; and a question that came
 * by HTTP, which the supervisor answers for all.
 */
export type FromWorker =
  | { readonly kind: "hello" }
  | { readonly kind: "listening" }
  | { readonly kind: "report"; readonly round: number; readonly report: WorkerReport }
  | { readonly kind: "ask"; readonly id: number; readonly question: Question };
