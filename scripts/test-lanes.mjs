import { readdirSync } from "node:fs";
import { join } from "node:path";

// Which test files run side by side. Plain JavaScript for Node.js 20, as test.mjs.

/** Folders whose tests wait for outages, floods and timeouts far more than they compute. None of them builds a package. */
const WAITING = ["tests/faults/", "tests/scale/", "tests/security/"];

const PLACES = ["bench", "examples", "packages", "scripts", "tests"];

/** All test files in two lanes that share no file they write: one computes, the other waits. */
export function testLanes(root) {
  const files = PLACES.flatMap((place) =>
    readdirSync(join(root, place), { encoding: "utf8", recursive: true }).map((path) => `${place}/${path}`),
  ).filter((path) => /\.test\.tsx?$/.test(path) && !path.includes("node_modules/"));
  const isWaiting = (path) => WAITING.some((folder) => path.startsWith(folder));
  return [files.filter((path) => !isWaiting(path)), files.filter(isWaiting)];
}
