import type { MetricObjectWithValues, MetricValueWithName } from "@prometheus-io/client";
import type { BrokerHealth } from "../broker/broker.ts";

/** Metrics as text, and the media type of that text. */
export interface Exposition {
  readonly text: string;
  readonly contentType: string;
}

/** Metrics as values, before they are text: what can be joined with those of another process. */
export type MetricSnapshot = readonly MetricObjectWithValues<MetricValueWithName<string>>[];

/** What `/readyz` and `/metrics` tell: of this process, or of all processes that share its port. */
export interface RelayReport {
  /** Whether updates arrive and the relay means to stay; else why not, in a sentence. Never throws. */
  health(): Promise<BrokerHealth>;
  /** @throws {Error} where what is to be joined cannot be had. */
  metrics(): Promise<Exposition>;
}

/** What one process can say of itself, for itself or to whoever speaks for several. */
export interface OwnReport extends RelayReport {
  snapshot(): Promise<MetricSnapshot>;
}

/** Makes the report that is given over HTTP out of that of this process. */
export type Speaker = (own: OwnReport) => RelayReport;
