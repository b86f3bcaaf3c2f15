import { startProcess } from "../../support/process.ts";

let prepared: Promise<void> | null = null;

/** Resolves once the example is installed and built, which is done at most once for all tests of a process. */
export function preparedExample(): Promise<void> {
  prepared ??= prepare();
  return prepared;
}

async function prepare(): Promise<void> {
  await using preparation = startProcess(["node", "scripts/prepare-example.mjs"]);
  if ((await preparation.exited) !== 0) throw new Error(preparation.output());
}
