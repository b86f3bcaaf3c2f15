import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Answer, isGrave, readAudit } from "./audit-answer.ts";
import { lockFaults, readLockFile } from "./lock-file.ts";

// Whether what npm installs here is what its authors published, and whether any of it is known to be vulnerable. The first is
// read from the lock files; the second is asked of the registry. Where that does not answer, that is said and is no failure,
// since a registry that is away says nothing about this code; with --strict, as releases and the weekly audit have it, it is.

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const isStrict = process.argv.includes("--strict");
/** A folder with a lock file, and the packages in it that may run a program when they are installed. */
const projects = [
  { folder: root, scripted: ["bun"] },
  { folder: join(root, "examples/next-agent"), scripted: [] },
];

async function ask(folder: string): Promise<Answer> {
  const words = ["audit", "--json", "--omit=dev", "--package-lock-only", "--fetch-retries=0"];
  const child = Bun.spawn([process.platform === "win32" ? "npm.cmd" : "npm", ...words], {
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const text = await new Response(child.stdout).text();
  await child.exited;
  return readAudit(text);
}

let failed = false;
for (const { folder, scripted } of projects) {
  const name = relative(root, join(folder, "package-lock.json"));
  const faults = lockFaults(await readLockFile(join(folder, "package-lock.json")), scripted);
  for (const fault of faults) console.error(`${name}: ${fault}.`);
  if (faults.length > 0) failed = true;
  else console.log(`${name}: each package is from the registry, under its own name, with its hash.`);

  const answer = await ask(folder);
  if (answer.kind === "unreachable") {
    console.error(
      `${name}: not audited, since the registry's advisories cannot be asked (${answer.reason}).`,
    );
    console.error(
      isStrict
        ? "That is a failure with --strict."
        : "That is no failure: the hashes above count, and the weekly audit.",
    );
    failed ||= isStrict;
    continue;
  }
  const grave = answer.found.filter(isGrave);
  for (const one of answer.found) console.error(`${name}: ${one.severity}: ${one.name}: ${one.title}`);
  if (grave.length > 0) failed = true;
  console.log(`${name}: ${answer.found.length} known weaknesses, ${grave.length} of them high or critical.`);
}
process.exit(failed ? 1 : 0);
