import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fuzz, targets } from "./fuzz.ts";
import { Victim } from "./victim.ts";

// `npm run fuzz -- --minutes 60 --seed 1 --target frames`: an hour of all targets unless told otherwise. What it came to
// is added to RESULTS.md; an input that broke a promise is kept in corpus/, where every later run begins.

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    seed: { type: "string" },
    target: { type: "string", multiple: true },
  },
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? crypto.getRandomValues(new Uint32Array(1))[0] : Number(values.seed);
const wanted = targets.filter(({ name }) => values.target?.includes(name) ?? true);
if (!(minutes > 0) || seed === undefined || !Number.isInteger(seed) || wanted.length === 0) {
  console.error(
    `--minutes above 0, --seed a number, --target one of ${targets.map(({ name }) => name).join(", ")}`,
  );
  process.exit(2);
}

console.log(`seed ${seed}, ${minutes} minutes, ${wanted.map(({ name }) => name).join(", ")}`);
await using victim = await Victim.start();
const before = await victim.memory();
const end = performance.now() + minutes * 60_000;
const { cases, findings } = await fuzz(victim, {
  seed,
  targets: wanted,
  goesOn: (round) => {
    if (round % 50 === 0) console.log(`round ${round}`);
    return performance.now() < end;
  },
});
const after = await victim.memory();

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`;
const counts = Object.entries(cases).map(([name, count]) => `${name} ${count.toLocaleString("en")}`);
const date = new Date().toISOString().slice(0, 10);
const row = `| ${date} | ${minutes} | ${seed} | ${counts.join(", ")} | ${findings.length} | ${mebibytes(before)} | ${mebibytes(after)} |\n`;
console.log(row);
for (const { target, path, message } of findings) console.error(`${target}: ${message}\n  ${path}`);
await appendFile(join(import.meta.dir, "RESULTS.md"), row);
process.exitCode = findings.length === 0 ? 0 : 1;
