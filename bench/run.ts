import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Bed } from "./bed.ts";
import { figure, machine } from "./figures.ts";
import { buildGenerator } from "./generator/build.ts";
import { readOptions, USAGE } from "./options.ts";
import { type BenchData, type Finding, Findings, joined } from "./report/findings.ts";
import { reportOf } from "./report/report.ts";
import { installSystem } from "./systems/run-system.ts";
import type { System } from "./systems/system.ts";
import { versionsOf } from "./systems/versions.ts";
import { TakeDown } from "./take-down.ts";
import type { Outcome } from "./workloads/outcome.ts";
import type { Workload } from "./workloads/workload.ts";

const GROWTH_ROUNDS = 2;

const words = process.argv.slice(2);
if (words.includes("--help")) {
  console.log(USAGE);
  process.exit(0);
}

const againAt = words.indexOf("--again");
if (againAt !== -1) {
  const files = (words[againAt + 1] ?? "").split(",");
  const parts = await Promise.all(files.map(async (file) => (await Bun.file(file).json()) as BenchData));
  await write(joined(parts), import.meta.dir);
  process.exit(0);
}

const options = readOptions(words);
const findings: Finding[] = [];
const takeDown = new TakeDown();
const startedAt = performance.now();

function note(finding: Finding): void {
  findings.push(finding);
  const { outcome, round, workload, system, size } = finding;
  const at = `${((performance.now() - startedAt) / 1_000).toFixed(0)} s`;
  const where = `${at}, round ${round}, ${workload} × ${size}, ${system}`;
  if (outcome.isVoid) {
    console.log(`${where}: VOID, ${outcome.reason}`);
    return;
  }
  const figures = Object.entries(outcome.figures).map(([name, value]) => `${name} ${figure(value)}`);
  console.log(`${where}: ${figures.join(", ")}${outcome.fault === null ? "" : `  FAULT: ${outcome.fault}`}`);
}

function known(workload: string, system: string, name: string): number | null {
  return new Findings(findings).spread(workload, system, 1, name)?.median ?? null;
}

/** The largest size is measured in every round; the way there shows in a few. */
function sizesIn(round: number, workload: Workload): readonly number[] {
  const { sizes } = options;
  if (workload.isOneSize === true) return [1];
  return round <= GROWTH_ROUNDS ? sizes : sizes.filter((size) => size === Math.max(...sizes));
}

/** Runs one workload on one system, at each size. */
async function measure(
  workload: Workload,
  system: System,
  generator: string,
  round: number,
  sizes: readonly number[],
): Promise<void> {
  const groups = workload.needsFreshBed === true ? sizes.map((size) => [size]) : [sizes];
  for (const group of groups) {
    const add = (size: number, outcome: Outcome): void => {
      note({ round, workload: workload.key, system: system.key, size, outcome });
    };
    let done = 0;
    try {
      await using bed = await takeDown.use(Bed.start({ system, generator, ...workload.bed }));
      for (const size of group) {
        add(size, await workload.run(bed, { size, effort: options.effort, known }));
        done += 1;
      }
    } catch (error) {
      if (takeDown.isLeaving) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      for (const size of group.slice(done)) add(size, { isVoid: true, reason });
    }
  }
}

/** Five digits are more than any figure is worth. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(5)) : value;
}

async function write(data: BenchData, folder: string): Promise<void> {
  const { text, plots } = reportOf(data);
  await mkdir(join(folder, "plots"), { recursive: true });
  await Bun.write(join(folder, "RESULTS.md"), text);
  await Bun.write(join(folder, "results.json"), `${JSON.stringify(data, rounded)}\n`);
  for (const [name, picture] of plots) await Bun.write(join(folder, "plots", name), picture);
  console.log(`\nwritten to ${join(folder, "RESULTS.md")}`);
}

await takeDown.run(async () => {
  console.log("building and installing …");
  const generator = await buildGenerator();
  const usable: System[] = [];
  const installed = new Set<string>();
  for (const system of options.systems) {
    try {
      if (!installed.has(system.folder)) await installSystem(system);
      installed.add(system.folder);
      usable.push(system);
    } catch (error) {
      console.log(`left out: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const workload of options.workloads) {
      const sizes = sizesIn(round, workload);
      // Backwards in every other round, so that none always comes after the same neighbour.
      const turn = round % 2 === 1 ? usable : usable.toReversed();
      for (const system of turn) {
        if (workload.isFor?.(system) === false) continue;
        await measure(workload, system, generator, round, sizes);
      }
    }
  }
  await write(
    {
      date: new Date().toISOString().slice(0, 10),
      machine: await machine(),
      versions: await versionsOf(usable),
      runs: [
        {
          command: `npm run bench${words.length === 0 ? "" : ` -- ${words.join(" ")}`}`,
          rounds: options.rounds,
          seconds: options.effort.seconds,
        },
      ],
      findings,
    },
    options.out ?? import.meta.dir,
  );
});
