import { test as nodeTest } from "node:test";

/**
 * Declares one test. The suite uses nothing of Bun's, so that it runs wherever the SDK does: by `bun test`, by
 * `node --test`, and in a browser with another module in this one's place.
 */
export function test(name: string, run: () => void | Promise<void>): void {
  void nodeTest(name, run);
}
