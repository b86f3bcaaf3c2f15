import { test } from "bun:test";
import { chromiumPath } from "../../support/browser.ts";

/** Whether all of it is asked for, as by `npm run test:example`; CI runs the short form, the heart of it. */
const isFull = process.env["EXAMPLE_FORM"] === "full";

/** How long one test may take, in milliseconds, the installation of Next.js included: no promise of speed. */
const TIMEOUT_MS = isFull ? 600_000 : 300_000;

const needsChromium = test.skipIf(chromiumPath === null && process.env["CI"] !== "true");

/** The full form's value, or the short form's. */
export function sized<T>(short: T, full: T): T {
  return isFull ? full : short;
}

/** Prints a figure that a test found out. */
export function figure(name: string, value: string): void {
  process.stderr.write(`    ${name}: ${value}\n`);
}

/** A test of the example without a browser, in both forms. */
export function exampleTest(promise: string, body: () => Promise<void>): void {
  test(promise, body, TIMEOUT_MS);
}

/** A test in Chromium, in both forms. */
export function browserTest(promise: string, body: () => Promise<void>): void {
  needsChromium(promise, body, TIMEOUT_MS);
}

/** A test without a browser that the short form leaves out: there it is not defined, so nothing is skipped. */
export function fullTest(promise: string, body: () => Promise<void>): void {
  if (isFull) exampleTest(promise, body);
}

/** A test in Chromium that the short form leaves out. */
export function fullBrowserTest(promise: string, body: () => Promise<void>): void {
  if (isFull) browserTest(promise, body);
}
