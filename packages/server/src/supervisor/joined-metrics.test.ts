import { expect, test } from "bun:test";
import type { BrokerHealth } from "../broker/broker.ts";
import type { MetricSnapshot } from "../http/relay-report.ts";
import { type DeliveryCounters, Metrics, newCounters } from "../metrics.ts";
import { JoinedMetrics } from "./joined-metrics.ts";

/** A worker whose metrics a test sets. */
interface Worker {
  readonly counters: DeliveryCounters;
  readonly metrics: Metrics;
  readonly snapshot: () => Promise<MetricSnapshot>;
}

function worker({ connections = 0, isBrokerUp = true } = {}): Worker {
  const counters = newCounters();
  const metrics = new Metrics({
    counters,
    connections: () => connections,
    users: () => 0,
    isBrokerUp: () => isBrokerUp,
    revocations: () => 7,
    version: "1",
    droppedLogLines: () => 0,
    history: null,
  });
  // As it comes out of the channel between two processes.
  const snapshot = async (): Promise<MetricSnapshot> =>
    JSON.parse(JSON.stringify(await metrics.snapshot())) as MetricSnapshot;
  return { counters, metrics, snapshot };
}

const ready: BrokerHealth = { ok: true, lagMs: 1 };
const away: BrokerHealth = { ok: false, reason: "It starts." };

async function samples(
  joined: JoinedMetrics,
  ...snapshots: readonly (MetricSnapshot | null)[]
): Promise<ReadonlyMap<string, number>> {
  const figures = snapshots.map((snapshot, index) => ({
    worker: index + 1,
    snapshot,
    health: snapshot === null ? away : ready,
  }));
  const { text } = await joined.expose(figures);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("counters, histograms and most gauges are added up", async () => {
  const [one, two] = [worker({ connections: 3 }), worker({ connections: 4 })];
  one.counters.deliveries = 10;
  two.counters.deliveries = 5;
  one.metrics.handshake("accepted");
  two.metrics.handshake("accepted");
  two.metrics.handshake("relay_full");
  one.metrics.lag(1);
  two.metrics.lag(40);
  const seen = await samples(new JoinedMetrics(), await one.snapshot(), await two.snapshot());
  expect(seen.get("tidings_connections")).toBe(7);
  expect(seen.get("tidings_deliveries_total")).toBe(15);
  expect(seen.get('tidings_handshakes_total{result="accepted"}')).toBe(2);
  expect(seen.get('tidings_handshakes_total{result="relay_full"}')).toBe(1);
  expect(seen.get('tidings_broker_lag_seconds_bucket{le="0.001"}')).toBe(1);
  expect(seen.get('tidings_broker_lag_seconds_bucket{le="+Inf"}')).toBe(2);
  expect(seen.get("tidings_broker_lag_seconds_count")).toBe(2);
  expect(seen.get('tidings_worker_connections{worker="2"}')).toBe(4);
});

test("what cannot be added up is the worst of all, or the same of all", async () => {
  const [one, two] = [worker(), worker({ isBrokerUp: false })];
  one.counters.outboxHighWater = 100;
  two.counters.outboxHighWater = 70;
  const seen = await samples(new JoinedMetrics(), await one.snapshot(), await two.snapshot());
  expect(seen.get("tidings_broker_up")).toBe(0);
  expect(seen.get("tidings_revocations")).toBe(7);
  expect(seen.get("tidings_outbox_high_water_bytes")).toBe(100);
  expect(seen.get(`tidings_build_info{version="1",bun="${Bun.version}"}`)).toBe(1);
});

test("what workers had counted before they ended stays, what they held then does not", async () => {
  const joined = new JoinedMetrics();
  for (let death = 1; death <= 3; death += 1) {
    const dying = worker({ connections: 9 });
    dying.counters.deliveries = 10;
    dying.metrics.lag(1);
    await joined.bury(await dying.snapshot());
  }
  await joined.bury(null);
  const alive = worker({ connections: 1 });
  alive.counters.deliveries = 1;
  const seen = await samples(joined, await alive.snapshot(), null);
  expect(seen.get("tidings_deliveries_total")).toBe(31);
  expect(seen.get("tidings_broker_lag_seconds_count")).toBe(3);
  expect(seen.get("tidings_connections")).toBe(1);
  expect(seen.get("tidings_workers_ended_total")).toBe(4);
  expect(seen.get('tidings_workers{state="ready"}')).toBe(1);
  expect(seen.get('tidings_workers{state="not_ready"}')).toBe(1);
});
