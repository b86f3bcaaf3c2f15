import { join } from "node:path";
import { freePort } from "../../tests/support/redis-server.ts";
import { CACHE } from "../generator/build.ts";
import { pinned } from "../load/child.ts";
import { folderOf, type System } from "./system.ts";

const START_TIMEOUT_MS = 30_000;
const LOOK_MS = 30;

/** Key of all tokens. */
export const JWT_SECRET: string = "a-secret-for-the-bench-that-is-long-enough";

/** A system that runs, killed with all it started when its block ends (`await using`). */
export interface RunningSystem extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

/**
 * Builds or installs a system into the cache. What is there already is looked at again, which takes seconds; the
 * first time takes minutes.
 * @throws {Error} what its install.sh said, where it fails.
 */
export async function installSystem(system: System): Promise<void> {
  const child = Bun.spawn([join(folderOf(system), "install.sh"), CACHE], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${system.name} cannot be installed: ${err}${out}`);
}

/** Starts a system on one core, and resolves when it answers HTTP. */
export async function startSystem(
  system: System,
  redisPort: number,
  core: number | null,
): Promise<RunningSystem> {
  const port = await freePort();
  const { PATH = "", HOME = "" } = process.env;
  const settings = { PORT: String(port), REDIS_PORT: String(redisPort), JWT_SECRET };
  const child = Bun.spawn(pinned(core, [join(folderOf(system), "start.sh"), CACHE]), {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH, HOME, ...settings, ...system.environment },
  });
  const log = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const running: RunningSystem = {
    pid: child.pid,
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await isReady(port))) {
    if (child.exitCode === null && performance.now() < deadline) {
      await Bun.sleep(LOOK_MS);
      continue;
    }
    await running[Symbol.asyncDispose]();
    throw new Error(`${system.name} did not become ready:\n${(await log).join("")}`);
  }
  return running;
}

function isReady(port: number): Promise<boolean> {
  const request = fetch(`http://127.0.0.1:${port}/readyz`, {
    signal: AbortSignal.timeout(1_000),
    keepalive: false,
  });
  return request.then(
    (response) => response.ok,
    () => false,
  );
}
