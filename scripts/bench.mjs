import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureInstalled } from "./ensure-installed.mjs";
import { searchPath } from "./test-tools.mjs";

// What `npm run bench` and `npm run bench:history` do. Plain JavaScript for Node.js 20, since it runs before anything is installed.

const root = dirname(dirname(fileURLToPath(import.meta.url)));

if (process.platform !== "linux") {
  console.error("The bench reads what a process costs from /proc, so it needs Linux.");
  process.exit(1);
}
if (spawnSync("redis-server", ["--version"]).status !== 0) {
  console.error("The bench needs redis-server: apt-get install redis-server");
  process.exit(1);
}
ensureInstalled();
process.env.PATH = searchPath;
const bun = join(root, "node_modules", "bun", "bin", "bun.exe");
const [first, ...rest] = process.argv.slice(2);
const program =
  first === "history" ? ["bench/history.ts", ...rest] : ["bench/run.ts", ...process.argv.slice(2)];
const result = spawnSync(bun, program, { cwd: root, stdio: "inherit" });
process.exit(result.status ?? 1);
