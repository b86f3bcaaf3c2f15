import { type Aggregator, Counter, Gauge, type Registry } from "@prometheus-io/client";

/** A gauge that is read when it is scraped; `aggregator` tells how those of several processes become one. */
export function readGauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => number,
  aggregator: Aggregator = "sum",
): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    registers: [registry],
    aggregator,
    collect: () => gauge.set(read()),
  });
}

/** A counter that is read when it is scraped; `read` never goes back. */
export function readCounter(registry: Registry, name: string, help: string, read: () => number): void {
  const counter: Counter = new Counter({
    name,
    help,
    registers: [registry],
    collect: () => {
      counter.reset();
      counter.inc(read());
    },
  });
}

/** A counter with one label, of which all values and their counts are read when it is scraped. */
export function readCounters(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => Iterable<readonly [string, number]>,
): void {
  const counter: Counter<string> = new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect: () => {
      counter.reset();
      for (const [value, count] of read()) counter.inc({ [label]: value }, count);
    },
  });
}
