/** How long a condition may take to come true before a test gives up, in milliseconds. */
const PATIENCE_MS = 15_000;

/** How often a condition is looked at. */
const LOOK_MS = 10;

/** Resolves once `condition` holds. Rejects with `what` where it does not within the test's patience. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`it did not come to pass in ${patienceMs} ms: ${what}`);
    await Bun.sleep(LOOK_MS);
  }
}
