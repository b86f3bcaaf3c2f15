import { Counter, Gauge, Registry } from "@prometheus-io/client";
import type { BrokerHealth } from "../broker/broker.ts";
import type { Exposition, MetricSnapshot } from "../http/relay-report.ts";

/** What is known of one worker when metrics are joined. */
export interface WorkerFigures {
  readonly worker: number;
  /** The latest that it told of itself; null where it has told nothing yet. */
  readonly snapshot: MetricSnapshot | null;
  readonly health: BrokerHealth;
}

/**
 * The metrics of all workers as those of one relay. Counters and histograms are added up; gauges as each says for itself:
 * most are added up, `tidings_broker_up` is that of the worst worker. What a worker had counted before it died stays in the
 * sums, since Prometheus takes a sum that falls for a fresh start and would count everything that is left once more.
 */
export class JoinedMetrics {
  #departed: MetricSnapshot = [];
  #ended = 0;

  /** Takes over what a worker that ended had counted, and counts it. */
  async bury(last: MetricSnapshot | null): Promise<void> {
    this.#ended += 1;
    if (last === null) return;
    const counted = last.filter(({ type }) => type === "counter" || type === "histogram");
    this.#departed = await joined([this.#departed, counted]).getMetricsAsJSON();
  }

  /** Everything in Prometheus's text format, with what only a supervisor knows. */
  async expose(workers: readonly WorkerFigures[]): Promise<Exposition> {
    const told = workers.flatMap(({ snapshot }) => (snapshot === null ? [] : [snapshot]));
    const own = await this.#own(workers).getMetricsAsJSON();
    const registry = joined([...told, this.#departed, own]);
    return { text: await registry.metrics(), contentType: registry.contentType };
  }

  /** The supervisor's own figures. Those of its process are added to those of its workers. */
  #own(workers: readonly WorkerFigures[]): Registry {
    const registry = new Registry();
    const registers = [registry];
    const gauge = (name: string, help: string, labelNames: string[] = []): Gauge<string> =>
      new Gauge({ name, help, labelNames, registers });
    const counter = (name: string, help: string, labelNames: string[] = []): Counter<string> =>
      new Counter({ name, help, labelNames, registers });
    const states = gauge("tidings_workers", "Worker processes by whether they are ready.", ["state"]);
    const ready = workers.filter(({ health }) => health.ok).length;
    states.set({ state: "ready" }, ready);
    states.set({ state: "not_ready" }, workers.length - ready);
    counter("tidings_workers_ended_total", "Worker processes that ended.").inc(this.#ended);
    const connections = gauge("tidings_worker_connections", "Connections of each worker process now.", [
      "worker",
    ]);
    const processor = counter("tidings_worker_cpu_seconds_total", "Processor time of each worker process.", [
      "worker",
    ]);
    for (const { worker, snapshot } of workers) {
      const label = { worker: String(worker) };
      connections.set(label, valueOf(snapshot, "tidings_connections"));
      processor.inc(label, valueOf(snapshot, "process_cpu_seconds_total"));
    }
    const { user, system } = process.cpuUsage();
    counter("process_cpu_seconds_total", "Processor time.").inc((user + system) / 1e6);
    gauge("process_resident_memory_bytes", "Resident memory.").set(process.memoryUsage.rss());
    return registry;
  }
}

function joined(snapshots: readonly MetricSnapshot[]): Registry {
  return Registry.aggregate([...snapshots]);
}

function valueOf(snapshot: MetricSnapshot | null, name: string): number {
  return snapshot?.find((metric) => metric.name === name)?.values[0]?.value ?? 0;
}
