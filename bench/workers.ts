import { startWorkers, type WorkersUnderTest } from "../tests/support/workers.ts";
import { cell, figure, machine } from "./figures.ts";
import { Load } from "./load/load.ts";
import { Publisher, type StreamOptions } from "./load/publisher.ts";
import { EVERYONE } from "./load/update-text.ts";
import { processCost } from "./process-cost.ts";
import { TakeDown } from "./take-down.ts";

// What several workers on one port cost beside one, and how evenly they share: `bun bench/workers.ts [counts]`. Nothing is
// pinned: the load has a part of the same cores, so this counts processor time and not the highest rate.

const CONNECTIONS = 2_000;
const ROUNDS = 3;
const SECONDS = 4;
const IDLE_SECONDS = 4;
const ARRIVAL_TIMEOUT_MS = 10_000;
const MICRO = 1e6;
const counts = (process.argv[2] ?? "1,2,4").split(",").map(Number);

/** A stream, and how many connections get each update of it; 0 where nobody does, and each worker just looks at it. */
interface Workload {
  readonly name: string;
  readonly stream: StreamOptions;
  readonly fanout: number;
}

const workloads: readonly Workload[] = [
  {
    name: "unicast, 8,000/s",
    stream: { firstUser: 1, users: CONNECTIONS, rate: 8_000, textBytes: 64 },
    fanout: 1,
  },
  {
    name: "broadcast to 2,000, 20/s",
    stream: { firstUser: EVERYONE, users: 1, rate: 20, textBytes: 64 },
    fanout: CONNECTIONS,
  },
  {
    name: "for users elsewhere, 8,000/s",
    stream: { firstUser: 500_001, users: 5_000, rate: 8_000, textBytes: 64 },
    fanout: 0,
  },
];

/** Several rounds of one row of the table. */
interface Row {
  readonly name: string;
  readonly cost: number[];
  /** Processor time of the busiest worker as a share of that of all. */
  readonly busiest: number[];
  readonly p99: number[];
}

/** A relay under test with its load. */
interface Bed {
  readonly workers: WorkersUnderTest;
  readonly load: Load;
  readonly publisher: Publisher;
  /** The processes that hold connections; the supervisor is not among them. */
  readonly pids: readonly number[];
  /** Seconds of processor time a second that each uses while nothing is published. */
  readonly idle: readonly number[];
}

/** Seconds of processor time of each process so far. */
const seconds = (pids: readonly number[]): readonly number[] => pids.map((pid) => processCost.cpu(pid).total);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

async function measure(bed: Bed, { name, stream, fanout }: Workload, row: Row): Promise<void> {
  const { load, publisher, pids } = bed;
  await load.call("mark", null);
  const [before, startedAt] = [seconds(pids), performance.now()];
  await publisher.call("start", stream);
  await Bun.sleep(SECONDS * 1_000);
  const { published } = await publisher.call("stop", null);
  const expected = published * fanout;
  const deadline = performance.now() + ARRIVAL_TIMEOUT_MS;
  while ((await load.call("count", null)).frames < expected && performance.now() < deadline) {
    await Bun.sleep(10);
  }
  const wall = (performance.now() - startedAt) / 1_000;
  const used = seconds(pids).map(
    (after, index) => after - (before[index] ?? 0) - (bed.idle[index] ?? 0) * wall,
  );
  const { frames, wrongUser, notRising, lost, latency } = await load.call("report", null);
  if (frames !== expected || wrongUser + notRising + lost > 0) {
    console.log(`${name}: VOID, ${frames} of ${expected} deliveries`);
    return;
  }
  row.cost.push((sum(used) / (fanout === 0 ? published : expected)) * MICRO);
  row.busiest.push((Math.max(...used) / sum(used)) * 100);
  if (fanout > 0) row.p99.push(latency.p99);
}

async function idleShares(pids: readonly number[]): Promise<readonly number[]> {
  const before = seconds(pids);
  await Bun.sleep(IDLE_SECONDS * 1_000);
  return seconds(pids).map((after, index) => (after - (before[index] ?? 0)) / IDLE_SECONDS);
}

const takeDown = new TakeDown();
const rows = new Map<string, Row>();
const notes: string[] = [];

function rowOf(workload: Workload, count: number): Row {
  const key = `${workload.name} | ${count}`;
  const row = rows.get(key) ?? { name: key, cost: [], busiest: [], p99: [] };
  rows.set(key, row);
  return row;
}

async function runCount(count: number): Promise<void> {
  await using workers = await takeDown.use(startWorkers(count, { TIDINGS_LOG_LEVEL: "info" }));
  await using load = new Load();
  await using publisher = new Publisher();
  await publisher.call("connect", workers.redis.port);
  const { open } = await load.call("open", {
    port: workers.port,
    count: CONNECTIONS,
    firstUser: 1,
    users: CONNECTIONS,
  });
  if (open !== CONNECTIONS) throw new Error(`${open} of ${CONNECTIONS} connections are open`);
  const { pid: supervisor } = workers.supervisor;
  const pids =
    count === 1 ? [supervisor] : Array.from({ length: count }, (_, index) => workers.pid(index + 1));
  const idle = await idleShares([...pids, supervisor]);
  const bed: Bed = { workers, load, publisher, pids, idle };
  const shares = [...(await workers.metrics())].flatMap(([name, value]) =>
    name.startsWith("tidings_worker_connections") ? [value] : [],
  );
  if (count > 1) {
    const memory = figure(processCost.residentBytes(supervisor) / 2 ** 20);
    const busy = figure((idle.at(-1) ?? 0) * 1_000);
    notes.push(
      `${count} workers hold ${shares.join(", ")} connections; supervisor ${memory} MiB, ${busy} ms a second`,
    );
  }
  for (const workload of workloads) await measure(bed, workload, rowOf(workload, count));
}

console.log(await machine());
await takeDown.run(async () => {
  for (let round = 0; round < ROUNDS; round += 1) for (const count of counts) await runCount(count);
});
console.log("\n| workload | workers | µs of all workers | busiest worker, % of all | p99, ms |");
console.log("| --- | --- | --- | --- | --- |");
for (const { name, cost, busiest, p99 } of [...rows.values()].toSorted((a, b) =>
  a.name.localeCompare(b.name),
)) {
  console.log(`| ${name} | ${cell(cost)} | ${cell(busiest)} | ${p99.length === 0 ? "–" : cell(p99)} |`);
}
console.log(`\n${notes.join("\n")}`);
