import { join } from "node:path";
import { freePort } from "../tests/support/redis-server.ts";
import { pinned } from "./load/child.ts";

const root = join(import.meta.dir, "..");
const COLLECTOR = join(import.meta.dir, "collect-on-signal.ts");
const COLLECT_MS = 1_000;
const START_TIMEOUT_MS = 20_000;

/** How a server under load is started. */
export interface ServerProcessOptions {
  readonly redisPort: number;
  /** Core to stay on; any unless given. */
  readonly core?: number | null;
  /** Further environment of the process, such as `TIDINGS_…` settings. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Flags of Bun itself, for profiling. */
  readonly bunFlags?: readonly string[];
}

/** A server that runs as a process of its own, killed when its block ends (`await using`). */
export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** Everything it wrote, known once it ended. */
  readonly log: Promise<string>;

  constructor(port: number, process: Bun.Subprocess<"ignore", "pipe", "pipe">) {
    this.port = port;
    this.#process = process;
    const written = [new Response(process.stdout).text(), new Response(process.stderr).text()];
    this.log = Promise.all(written).then((texts) => texts.join(""));
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The exit status once the process ended; null where a signal ended it. */
  get exited(): Promise<number | null> {
    return this.#process.exited.then(() => this.#process.exitCode);
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Has the process collect its garbage, and gives it a second to do so and to hand pages back. */
  async collect(): Promise<void> {
    this.#process.kill("SIGUSR2");
    await Bun.sleep(COLLECT_MS);
  }

  /** The status of a GET, or 0 where nobody answers within `timeoutMs`. */
  async status(path: string, timeoutMs: number = 2_000): Promise<number> {
    const request = fetch(`http://127.0.0.1:${this.port}${path}`, { signal: AbortSignal.timeout(timeoutMs) });
    return request.then(
      (response) => response.status,
      () => 0,
    );
  }

  /** The value of one metric, with its labels exactly as they are written; 0 where it is not there. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.slice(name.length + 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}

/** Starts the relay as production runs it, with development identities, and resolves when updates arrive. */
export async function startRelayProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const port = await freePort();
  const entry = process.env["BENCH_RELAY"] ?? join(root, "packages/server/src/cli/main.ts");
  return start(options, port, [entry, "serve"], {
    TIDINGS_HOST: "127.0.0.1",
    TIDINGS_PORT: String(port),
    TIDINGS_REDIS_URL: `redis://127.0.0.1:${options.redisPort}`,
    TIDINGS_INSECURE_USER_ID: "true",
  });
}

async function start(
  { core = null, environment = {}, bunFlags = [] }: ServerProcessOptions,
  port: number,
  command: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const { PATH = "", HOME = "" } = process.env;
  const child = Bun.spawn(pinned(core, [process.execPath, "--preload", COLLECTOR, ...bunFlags, ...command]), {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH, HOME, ...settings, ...environment },
  });
  const server = new ServerProcess(port, child);
  const deadline = performance.now() + START_TIMEOUT_MS;
  while ((await server.status("/readyz")) !== 200) {
    if (server.isRunning && performance.now() < deadline) {
      await Bun.sleep(50);
      continue;
    }
    await server[Symbol.asyncDispose]();
    throw new Error(`the server did not become ready:\n${await server.log}`);
  }
  return server;
}
