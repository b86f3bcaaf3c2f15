import { createClient } from "@redis/client";
import { eventually } from "./eventually.ts";
import { type RunningProcess, startTidings } from "./process.ts";
import { freePort, type RedisServer, startRedis } from "./redis-server.ts";
import { TestClient } from "./test-client.ts";

/** A line of the log. */
export interface LogLine {
  readonly msg: string;
  readonly worker?: number;
  readonly pid?: number;
  readonly [field: string]: unknown;
}

type Command = (command: string[]) => Promise<unknown>;

/** A relay of several processes on one port, with a Redis of its own. */
export class WorkersUnderTest implements AsyncDisposable {
  readonly port: number;
  readonly supervisor: RunningProcess;
  readonly redis: RedisServer;
  readonly #command: Command;
  readonly #disposables: AsyncDisposableStack;
  readonly #clients: TestClient[] = [];

  constructor(
    port: number,
    supervisor: RunningProcess,
    redis: RedisServer,
    command: Command,
    disposables: AsyncDisposableStack,
  ) {
    this.port = port;
    this.supervisor = supervisor;
    this.redis = redis;
    this.#command = command;
    this.#disposables = disposables;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Every line that supervisor and workers logged so far. */
  get log(): readonly LogLine[] {
    const lines = this.supervisor.output().split("\n");
    return lines.flatMap((line) => (line.startsWith("{") && line.endsWith("}") ? [JSON.parse(line)] : []));
  }

  /** The process that has a worker's place now, or had it last. */
  pid(worker: number): number {
    const started = this.log.findLast(
      (line) => line.msg === "a worker process started" && line.worker === worker,
    );
    if (started?.pid === undefined) throw new Error(`worker ${worker} never started`);
    return started.pid;
  }

  /** A connection that is a TCP connection of its own, whatever the path and the user. */
  async connect(userId: string, query = ""): Promise<TestClient> {
    const client = await TestClient.open({ url: `${this.url}/ws?user_id=${userId}${query}` });
    this.#clients.push(client);
    return client;
  }

  /** Stores an update in the user's log and has it delivered; it does not depend on any one relay. */
  async store(userId: string, payload: unknown): Promise<void> {
    const update = JSON.stringify({ target_user_id: userId, type: "t", payload });
    await this.#command(["FCALL", "tidings_publish", "1", `tidings:{${userId}}:log`, update]);
  }

  async publish(userId: string, payload: unknown): Promise<void> {
    const update = JSON.stringify({ target_user_id: userId, type: "t", payload });
    await this.#command(["PUBLISH", "updates", update]);
  }

  /** An answer over a connection of its own, so that each may come from another worker. */
  http(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + path, { ...init, keepalive: false });
  }

  /** Every sample of `/metrics` by its name with its labels as they are written. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const text = await (await this.http("/metrics")).text();
    const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(
      samples.map((line) => {
        const space = line.lastIndexOf(" ");
        return [line.slice(0, space), Number(line.slice(space + 1))];
      }),
    );
  }

  /** Resolves once all workers are ready. */
  async ready(): Promise<void> {
    await eventually("all workers are ready", () =>
      this.http("/readyz").then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    const pids = this.log.flatMap(({ msg, pid }) => (msg === "a worker process started" && pid ? [pid] : []));
    await this.supervisor[Symbol.asyncDispose]();
    for (const pid of pids) if (await isAlive(pid)) process.kill(pid, "SIGKILL");
    await this.#disposables.disposeAsync();
  }
}

/** Whether a process runs; one that ended and that nobody has waited for does not. */
export async function isAlive(pid: number): Promise<boolean> {
  const status = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => null);
  return status !== null && !/\) Z /.test(status);
}

/** Starts a relay of so many workers from source, and resolves when all are ready. */
export async function startWorkers(
  count: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<WorkersUnderTest> {
  const disposables = new AsyncDisposableStack();
  const redis = disposables.use(await startRedis());
  const port = await freePort();
  const publisher = createClient({ url: redis.url });
  publisher.on("error", () => {});
  await publisher.connect();
  disposables.defer(() => publisher.destroy());
  const supervisor = startTidings(["serve"], {
    TIDINGS_HOST: "127.0.0.1",
    TIDINGS_PORT: String(port),
    TIDINGS_REDIS_URL: redis.url,
    TIDINGS_INSECURE_USER_ID: "true",
    TIDINGS_DRAIN_WINDOW: "0s",
    TIDINGS_WORKERS: String(count),
    ...settings,
  });
  const workers = new WorkersUnderTest(
    port,
    supervisor,
    redis,
    (command) => publisher.sendCommand(command),
    disposables,
  );
  try {
    await workers.ready();
  } catch (error) {
    await workers[Symbol.asyncDispose]();
    throw error;
  }
  return workers;
}
