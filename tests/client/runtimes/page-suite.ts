/** One test of the suite, as a page holds it. */
export interface PageTest {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

/** All tests that were declared. */
const tests: PageTest[] = [];

/** Stands in for `suite.ts` of the SDK's own suite in a browser: keeps each test until the page runs them. */
export function test(name: string, run: () => void | Promise<void>): void {
  tests.push({ name, run });
}

/** What became of the suite: how many tests held, and what went wrong with the others. */
export interface PageOutcome {
  readonly passed: number;
  readonly failures: readonly string[];
}

/** Runs all tests one after another. */
export async function runSuite(): Promise<PageOutcome> {
  const failures: string[] = [];
  for (const { name, run } of tests) {
    try {
      await run();
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  return { passed: tests.length - failures.length, failures };
}

Object.assign(globalThis, { runSuite });
