import { join } from "node:path";
import { Bed, type System } from "./bed.ts";
import { machine } from "./figures.ts";
import type { Measured } from "./measured.ts";
import type { ProcessorTime } from "./process-cost.ts";
import { reportText, type Row } from "./report.ts";
import { TakeDown } from "./take-down.ts";
import { CONNECTIONS, warmUp, workloads } from "./workloads.ts";

const isFull = process.argv.includes("--full");
const rounds = isFull ? 5 : 3;
const seconds = isFull ? 5 : 2;
/** Long enough that the little an idle server does shows above the 10 ms in which its time is counted. */
const IDLE_SECONDS = 4;
const RESULTS = join(import.meta.dir, "RESULTS.md");

/** Numbers of the connections themselves, beside the workloads. */
const memoryRow = newRow("memory of an idle connection", "bytes");
const heldRow = newRow("the same after a garbage collection", "bytes");
const idleRow = newRow("processor time while nothing is published", "ms a second");
const rows = new Map(workloads.map((workload) => [workload, newRow(workload.name, workload.unit)]));
const voids: string[] = [];

function newRow(name: string, unit: string): Row {
  return {
    name,
    unit,
    values: { relay: [], floor: [] },
    userValues: { relay: [], floor: [] },
    notes: { relay: [], floor: [] },
  };
}

function note(row: Row, round: number, system: System, measured: Measured): void {
  const where = `round ${round}, ${system}, ${row.name}`;
  if (!measured.ok) {
    voids.push(`${where}: ${measured.reason}`);
    console.log(`${where}: VOID, ${measured.reason}`);
    return;
  }
  row.values[system].push(measured.value);
  if (measured.user !== undefined) row.userValues[system].push(measured.user);
  if (measured.note !== undefined) row.notes[system].push(measured.note);
  const user = measured.user === undefined ? "" : `, user ${measured.user.toFixed(1)}`;
  console.log(`${where}: ${measured.value.toFixed(1)} ${row.unit}${user}  ${measured.note ?? ""}`);
}

const takeDown = new TakeDown();

async function runRound(round: number): Promise<void> {
  await using relay = await takeDown.use(Bed.start("relay"));
  await using floor = await takeDown.use(Bed.start("floor"));
  const beds: readonly (readonly [System, Bed])[] = [
    ["relay", relay],
    ["floor", floor],
  ];
  const idle = new Map<System, ProcessorTime>();
  for (const [system, bed] of beds) note(memoryRow, round, system, await bed.fill(CONNECTIONS));
  for (const [system, bed] of beds) note(heldRow, round, system, await bed.heldMemory(CONNECTIONS));
  for (const [, bed] of beds) await warmUp(bed);
  for (const [system, bed] of beds) {
    const idleShare = await bed.idleShare(IDLE_SECONDS);
    idle.set(system, idleShare);
    const { total, user } = idleShare;
    note(idleRow, round, system, { ok: true, value: total * 1_000, user: user * 1_000 });
  }
  for (const [workload, row] of rows) {
    for (const [system, bed] of beds) {
      const idleShare = idle.get(system) ?? { user: 0, total: 0 };
      note(row, round, system, await workload.run(bed, { system, seconds, idleShare }));
    }
  }
}

await takeDown.run(async () => {
  for (let round = 1; round <= rounds; round += 1) await runRound(round);
});
await Bun.write(
  RESULTS,
  reportText([memoryRow, heldRow, idleRow, ...rows.values()], {
    rounds,
    seconds,
    connections: CONNECTIONS,
    command: isFull ? "npm run bench -- --full" : "npm run bench",
    machine: await machine(),
    voids,
  }),
);
console.log(`\nwritten to ${RESULTS}`);
