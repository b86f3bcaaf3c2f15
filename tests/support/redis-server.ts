import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How long a redis-server may take to answer its first command, in milliseconds. */
const START_TIMEOUT_MS = 10_000;

/** How a {@link RedisServer} is started. */
export interface RedisServerOptions {
  /** Port on 127.0.0.1; a free one unless given. */
  readonly port?: number;
  /** Further arguments of redis-server: `["--requirepass", "secret"]`. They win over the helper's own. */
  readonly args?: readonly string[];
  /** Further variables of its environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * A real redis-server of the test's own, without persistence, gone when the test's block ends (`await
 * using`).
 */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** `redis://127.0.0.1:<port>`, without credentials. */
  readonly url: string;
  /** Process id of the running server; another one after {@link RedisServer.restart}. */
  readonly pid: number;
  /** Sends a signal, and waits for the end of the process where the signal is SIGKILL, SIGTERM or SIGINT. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Kills the server, also one that is stopped by SIGSTOP. Idempotent. */
  stop(): Promise<void>;
  /** Kills the server if it lives and starts a new one on the same port; resolves when it answers. */
  restart(): Promise<void>;
  /**
   * Runs `redis-cli` against the server and returns what it printed. Rejects where it exits with a failure.
   */
  cli(...args: string[]): Promise<string>;
}

/** Starts a redis-server and resolves when it answers. Rejects with its log where it does not. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), "tidings-redis-"));
  const port = options.port ?? (await freePort());
  const server = new RedisProcess(port, directory, options.args ?? [], options.environment ?? {});
  try {
    await server.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

class RedisProcess implements RedisServer {
  readonly port: number;
  readonly url: string;
  readonly #directory: string;
  readonly #args: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #child: Bun.Subprocess<"ignore", "pipe", "inherit"> | null = null;

  constructor(
    port: number,
    directory: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
  ) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#directory = directory;
    this.#args = args;
    this.#environment = environment;
  }

  get pid(): number {
    if (this.#child === null) throw new Error("this redis-server is not running");
    return this.#child.pid;
  }

  async start(): Promise<void> {
    const fixed = ["--bind", "127.0.0.1", "--port", String(this.port), "--dir", this.#directory];
    const child = Bun.spawn(
      ["redis-server", ...fixed, "--save", "", "--appendonly", "no", "--daemonize", "no", ...this.#args],
      {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "inherit",
        env: { ...process.env, ...this.#environment },
      },
    );
    this.#child = child;
    const log = new Response(child.stdout).text();
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await answers(this.port))) {
      if (child.exitCode === null && performance.now() < deadline) continue;
      await this.stop();
      throw new Error(`redis-server did not come up on port ${this.port}:\n${await log}`);
    }
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null) throw new Error("this redis-server is not running");
    child.kill(signal);
    if (signal !== "SIGKILL" && signal !== "SIGTERM" && signal !== "SIGINT") return;
    await child.exited;
    this.#child = null;
  }

  async stop(): Promise<void> {
    if (this.#child !== null) await this.kill("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async cli(...args: string[]): Promise<string> {
    const command = ["redis-cli", "-e", "-h", "127.0.0.1", "-p", String(this.port), ...args];
    const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (code !== 0) throw new Error(`redis-cli ${args.join(" ")} failed: ${err}${out}`);
    return out.trimEnd();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Whether the server takes connections and answers: any reply will do, be it that a password is missing. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const settle = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(1_000, () => settle(false));
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", (reply) => settle(!reply.toString("latin1").startsWith("-LOADING")));
    socket.once("error", () => setTimeout(settle, 10, false));
    socket.once("close", () => settle(false));
  });
}

/** A port on 127.0.0.1 that nothing listens on at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no port"));
        else resolve(address.port);
      });
    });
  });
}
