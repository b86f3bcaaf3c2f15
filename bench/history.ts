import { join } from "node:path";
import { machine } from "./figures.ts";
import { addFigures, noFindings } from "./history/findings.ts";
import { HistoryBed } from "./history/history-bed.ts";
import { idleMemory, memoryCases } from "./history/memory.ts";
import { historyReport } from "./history/report.ts";
import { resumeAll } from "./history/resume.ts";
import { systems } from "./history/systems.ts";
import { settle, workloads } from "./history/workloads.ts";
import type { Void } from "./measured.ts";
import { TakeDown } from "./take-down.ts";

const isFull = process.argv.includes("--full");
const isTrial = process.argv.includes("--trial");
const rounds = isTrial ? 1 : isFull ? 9 : 5;
const seconds = isFull ? 4 : 1.5;
const memoryRounds = isTrial ? 1 : isFull ? 5 : 3;
/** Long enough that the little an idle relay does shows above the 10 ms in which its time is counted. */
const IDLE_SECONDS = 2;
/** A trial shows that everything works; what it measures is not to stand in the repository. */
const RESULTS = isTrial ? "/tmp/tidings-bench-history.md" : join(import.meta.dir, "HISTORY.md");

const takeDown = new TakeDown();
const memoryNames = memoryCases.map(({ name }) => name);
const findings = noFindings(workloads, memoryNames);

function voided(where: string, { reason }: Void): void {
  findings.voids.push(`${where}: ${reason}`);
  console.log(`${where}: VOID, ${reason}`);
}

/** All cases at a time: what they take from each other is time, and memory is what counts. */
async function measureMemory(round: number): Promise<void> {
  const cases = memoryCases.flatMap((memoryCase) => [
    { memoryCase, hasHistory: false },
    { memoryCase, hasHistory: true },
  ]);
  const measure = async ({ memoryCase, hasHistory }: (typeof cases)[number]): Promise<void> => {
    const where = `round ${round}, ${hasHistory ? "on" : "off"}, memory of ${memoryCase.name}`;
    const measured = await idleMemory(takeDown, memoryCase, hasHistory);
    if (!measured.ok) {
      voided(where, measured);
      return;
    }
    console.log(`${where}: ${measured.value.toFixed(0)} bytes`);
    const row = findings.memory.find(({ name }) => name === memoryCase.name);
    row?.[hasHistory ? "on" : "off"].push(measured.value);
  };
  await Promise.all(cases.map(measure));
}

async function measureIdle(round: number, beds: readonly HistoryBed[]): Promise<void> {
  const rest = async (bed: HistoryBed): Promise<void> => {
    const { relay, redis } = await bed.rest(IDLE_SECONDS);
    const { key, name } = bed.system;
    findings.idleRelay[key].push(relay);
    findings.idleRedis[key].push(redis);
    console.log(
      `round ${round}, ${name}, idle: relay ${relay.toFixed(1)}, Redis ${redis.toFixed(1)} ms a second`,
    );
  };
  await Promise.all(beds.map(rest));
}

async function measureStreams(round: number, beds: readonly HistoryBed[]): Promise<void> {
  for (const row of findings.workloads) {
    const { name, stream, fanout } = row.workload;
    for (const bed of beds) {
      const where = `round ${round}, ${name}, ${bed.system.name}`;
      const figures = await bed.stream(stream, fanout, seconds);
      if (!figures.ok) {
        voided(where, figures);
        continue;
      }
      addFigures(row, bed.system.key, figures);
      const { relay, relayUser, redis, p50, p99, loadShare } = figures;
      const ofRedis = redis === null ? "" : `, Redis ${redis.toFixed(1)}`;
      const times = p50 === null || p99 === null ? "" : `, p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(1)} ms`;
      console.log(
        `${where}: relay ${relay.toFixed(1)} (user ${relayUser.toFixed(1)})${ofRedis} µs` +
          `${times}, load ${(loadShare * 100).toFixed(0)} %`,
      );
    }
  }
}

async function measureResume(round: number, bed: HistoryBed): Promise<void> {
  const figures = await resumeAll(bed, round);
  const where = `round ${round}, resume`;
  if (!figures.ok) {
    voided(where, figures);
    return;
  }
  findings.resumes.push(figures);
  const { relay, redis, wall } = figures;
  console.log(
    `${where}: relay ${relay.toFixed(1)}, Redis ${redis.toFixed(1)} µs an update, ${wall.toFixed(0)} ms`,
  );
}

await takeDown.run(async () => {
  for (let round = 1; round <= memoryRounds; round += 1) await measureMemory(round);
  await using standing = new AsyncDisposableStack();
  const beds: HistoryBed[] = [];
  for (const system of systems) {
    const bed = standing.use(await takeDown.use(HistoryBed.start(system)));
    beds.push(bed);
    await settle(bed);
    console.log(`${system.name}: up and warm`);
  }
  for (let round = 1; round <= rounds; round += 1) {
    await measureIdle(round, beds);
    await measureStreams(round, beds);
    const resuming = beds.find(({ system }) => system.key === "publish");
    if (resuming !== undefined) await measureResume(round, resuming);
  }
});
const flag = isTrial ? " -- --trial" : isFull ? " -- --full" : "";
const command = `npm run bench:history${flag}`;
await Bun.write(RESULTS, historyReport(findings, { rounds, seconds, command, machine: await machine() }));
console.log(`\nwritten to ${RESULTS}`);
